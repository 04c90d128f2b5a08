#!/usr/bin/python3 -B
"""Three nodes level themselves: what pays goes, and nothing else; equal nodes leave each other alone; a node that is
switched off, blocked or drained is left out.

The load is endless loops of a shell; the nodes have half a core each, so that the machine has room for all three.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec  # noqa: E402
from scenario import case, product, waiting  # noqa: E402

LOOP = ["sh", "-c", "while :; do :; done"]
THREE_SLOW = (HostSpec("a", has_programs=True, cores=0.5), HostSpec("b", cores=0.5), HostSpec("c", cores=0.5))
QUICK = "after = 1s\nsettle = 3s\n"


class Levelling(case.ProductCase):
    SPECS = THREE_SLOW
    SETTINGS = QUICK

    def loop(self, *options):
        job = self.start(LOOP, options=options)
        self.product.known(job.pid)
        return job

    def places(self, jobs):
        return sorted(self.product.where(job.pid) for job in jobs)

    def assert_they_stay_so(self, jobs, seconds=8):
        before = [(self.product.where(job.pid), self.product.moves(job.pid)) for job in jobs]
        self.product.let_decide(seconds)
        self.assertEqual([(self.product.where(job.pid), self.product.moves(job.pid)) for job in jobs], before,
                         self.product.log()[-3000:])

    def test_an_overloaded_node_sheds_as_many_as_pay(self):
        kept = self.loop("--stay")
        jobs = [self.loop(), self.loop()]
        waiting.until(lambda: self.places(jobs) == ["b", "c"],
                      lambda: f"one on b, one on c:\n{self.product.log()[-3000:]}", pause=waiting.DECISION_PAUSE_S)
        self.assertEqual(self.product.where(kept.pid), "a")
        self.assert_they_stay_so([kept, *jobs])
        self.assertEqual([self.product.moves(job.pid) for job in jobs], [1, 1])
        reason = self.product.row(jobs[0].pid)["last_reason"]
        for word in ("run queue", "cost_here_s", "cost_there_s", "price_s"):
            self.assertIn(word, reason)

    def test_equal_nodes_do_not_swap(self):
        for host in (self.b, self.c):
            self.product.write_conf(host)
            host.run(["llrunctl", "nodes"])
            self.addCleanup(host.run, ["pkill", "-KILL", "-f", "while :[;]"], check=False)
            host.popen(["llrun", *LOOP])
        job = self.loop()
        waiting.until(lambda: all(row["running"] >= 1 for row in self.product.json("nodes")), "load on all nodes",
                      pause=waiting.LONG_PAUSE_S)
        self.assert_they_stay_so([job], 10)
        for host in (self.b, self.c):
            rows = host.run(["llrunctl", "ps", "--json"]).stdout
            self.assertIn('"moves":0', rows)
            self.assertNotIn('"moves":1', rows)

    def test_switched_off_blocked_and_drained_nodes_are_left_out(self):
        self.product.must("level", "off", "b")
        self.product.must("block", "c")
        waiting.until(lambda: "b *" in self.product.must("loads"), "the switch of b to be seen")
        waiting.until(lambda: not self.row_of("c")["accepts"], "c to be seen blocked")
        jobs = [self.loop(), self.loop()]
        self.assert_they_stay_so(jobs)
        self.product.must("accept", "c")
        waiting.until(lambda: self.places(jobs) == ["a", "c"], "one to go to c, now that it accepts",
                      pause=waiting.DECISION_PAUSE_S)
        self.product.must("level", "on", "--all")
        self.product.must("drain", "c")
        waiting.until(lambda: self.row_of("c")["guests"] == 0, "home to hear that c has no guests",
                      pause=waiting.LONG_PAUSE_S)
        waiting.until(lambda: self.places(jobs) == ["a", "b"], "the drained guest to go on to b",
                      pause=waiting.DECISION_PAUSE_S)
        self.assertTrue(self.row_of("c")["draining"])
        self.product.must("drain", "c", "--undo")
        waiting.until(lambda: self.row_of("c")["accepts"], "c to accept again", pause=waiting.LONG_PAUSE_S)

    def row_of(self, node):
        return next(row for row in self.product.json("nodes") if row["node"] == node)

    def test_sigterm_drains_an_agent(self):
        job = self.loop("--stay")
        self.product.migrate(job.pid, "b")
        agent = json.loads(self.product.ctl("status", "--json", host=self.b).stdout.splitlines()[0])["pid"]
        self.b.run(["kill", "-TERM", str(agent)])
        self.product.arrive(job.pid, "a")
        waiting.until(lambda: self.b.run(["llrunctl", "status"], check=False).returncode == product.UNREACHABLE,
                      "the agent of b to end")
        self.assertTrue(job.alive())

    def test_best_and_explain(self):
        job = self.loop("--stay")
        waiting.until(lambda: self.product.must("best").strip() in ("b", "c"), "another node to be best",
                      pause=waiting.DECISION_PAUSE_S)
        best = self.product.json("best")[0]
        self.assertEqual({row["node"] for row in best["nodes"]}, {"a", "b", "c"})
        explained = self.product.json("why", job.pid, "--explain")[0]
        self.assertEqual(explained["goes_to"], None)
        self.assertIn("stays by its owner's wish", explained["reason"])
        loads = self.a.shell("cat $XDG_RUNTIME_DIR/llrun/a.loads").splitlines()
        self.assertEqual([line.split()[0] for line in loads], ["#node", "a", "b", "c"])
        self.assertEqual({len(line.split()) for line in loads}, {len(loads[0].split())})


class Placing(case.ProductCase):
    """What is known to run long starts where it runs soonest; what is away is thought of again. `after` is so long that
    nothing else moves anything."""

    SPECS = THREE_SLOW
    SETTINGS = "after = 10min\nsettle = 3s\n[hints]\nbash = long\n"
    LONG = ["bash", "-c", "while :; do :; done"]

    def busy(self, *hosts):
        """Each with a program that llrun knows, and so its age: what it hinders grows with it, past any price of a move."""
        for host in hosts:
            self.addCleanup(host.run, ["pkill", "-KILL", "-f", "while :[;]"], check=False)
            host.popen(["llrun", "--stay", "--", *LOOP])
        waiting.until(lambda: all(row["running"] >= 1 for row in self.product.json("nodes")
                                  if row["node"] in [host.name for host in hosts]), "the load to be seen",
                      pause=waiting.LONG_PAUSE_S)

    def test_what_is_known_to_run_long_starts_on_the_idle_node(self):
        self.busy(self.a, self.b)
        unknown = self.start(LOOP, options=())
        hinted = self.start(self.LONG, options=())
        kept = self.start(self.LONG, options=("--stay",))
        timed = self.start(self.LONG, options=("--after", "9min"))
        self.product.arrive(hinted.pid, "c")
        row = self.product.row(hinted.pid)
        self.assertIn("placed at its start, since a hint says that bash runs long", row["last_reason"])
        self.assertIn("placed at its start", self.product.why(hinted.pid))
        self.product.let_decide(3)
        for job in (unknown, kept, timed):
            self.assertEqual((self.product.where(job.pid), self.product.moves(job.pid)), ("a", 0))
        self.assertEqual(self.product.json("why", unknown.pid, "--explain")[0]["at_start"], "")

    def test_it_starts_at_home_where_nothing_is_better(self):
        self.busy(self.b, self.c)
        hinted = self.start(self.LONG, options=())
        self.product.wait_for_log("a hint says that bash runs long, and it starts here")
        self.product.let_decide(3)
        self.assertEqual((self.product.where(hinted.pid), self.product.moves(hinted.pid)), ("a", 0))

    def test_a_guest_comes_home_when_that_runs_it_sooner(self):
        self.busy(self.a)
        self.product.must("block", "c")
        waiting.until(lambda: not next(row for row in self.product.json("nodes") if row["node"] == "c")["accepts"],
                      "c to be seen blocked", pause=waiting.LONG_PAUSE_S)
        guest = self.start(self.LONG, options=())
        self.product.arrive(guest.pid, "b")
        self.busy(self.b)
        self.product.let_decide(5)
        self.assertEqual(self.product.where(guest.pid), "b", "home is as busy")
        self.a.run(["pkill", "-KILL", "-f", "^sh -c while :[;]"])
        self.product.arrive(guest.pid, "a")
        self.assertIn("run queue", self.product.row(guest.pid)["last_reason"])

    def test_a_person_knows_better(self):
        guest = self.start(LOOP, options=())
        self.product.migrate(guest.pid, "b")
        self.busy(self.b)
        self.product.let_decide(6)
        self.assertEqual(self.product.where(guest.pid), "b")


class ByList(case.ProductCase):
    SETTINGS = QUICK + "level-list = yes sim-*\n"

    def test_a_shells_programs_take_part_by_the_list(self):
        self.a.write("sim-1", "#!/bin/dash\nwhile :; do :; done\n", 0o755)
        self.a.write("other", "#!/bin/dash\nsh -c 'while :; do :; done' & wait\n", 0o755)
        script = "./sim-1 & ./other & yes >/dev/null & wait"
        self.start(["bash", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.a.run, ["pkill", "-KILL", "-f", "sim-1|other|while :[;]|^yes"], check=False)
        rows = waiting.until(self.four_children, "the shell's children to be known")
        for row in rows:
            left_out = any("load-level list" in pin["what"] for pin in row["pins"])
            self.assertEqual(left_out, "sim-1" not in row["command"] and row["program"] != "yes", row)

    def four_children(self):
        rows = [row for row in self.product.json("ps") if row["program"] != "bash"]
        return rows if len(rows) >= 4 and all(row["age_ms"] > 1000 for row in rows) else None


if __name__ == "__main__":
    case.main()
