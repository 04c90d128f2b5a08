#!/usr/bin/python3 -B
"""A node vanishes and returns; agents crash and are started again; and what crashes leave is found and removed, while
living jobs go on.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec  # noqa: E402
from scenario import case, waiting  # noqa: E402

LOOP = ["sh", "-c", "while :; do :; done"]
# Counts so that a restart or a doubled run would show, and ends when `enough` exists.
COUNTER = ["sh", "-c", "i=0; while [ ! -e enough ]; do i=$((i+1)); [ $((i % 20000)) -eq 0 ] && echo $i; done; echo end $i"]
THREE = (HostSpec("a", has_programs=True, cores=0.5), HostSpec("b", cores=0.5), HostSpec("c", cores=0.5))


class Vanishing(case.ProductCase):
    SPECS = THREE
    SETTINGS = "after = 1s\nsettle = 3s\n"

    def reachable(self, node):
        return self.product.node_is_reachable(node)

    def agent_of(self, host):
        for row in host.run(["llrunctl", "status", "--json"], check=False).stdout.splitlines():
            found = re.search(r'"node":"\w+","pid":(\d+)', row)
            if found:
                return int(found.group(1))
        return None

    def assert_counts_on_to_the_end(self, job):
        self.a.write("enough", "")
        self.assertEqual(job.wait(), 0, job.err)
        lines = job.out.decode().split("\n")
        numbers = [int(line) for line in lines if line.isdigit()]
        self.assertEqual(numbers, list(range(20000, 20000 * (len(numbers) + 1), 20000)))
        self.assertRegex(lines[-2], r"^end \d+$")

    def test_a_vanished_node_is_noticed_within_3_s_left_out_and_found_again(self):
        self.cluster.link("a", "b").cut()
        waiting.until(lambda: not self.reachable("b"), "b to be missed")
        silence = re.search(r"node b is unreachable: it has fallen silent \(([0-9.]+) s\)", self.product.log())
        self.assertLessEqual(float(silence.group(1)), 3.0)
        jobs = [self.start(LOOP, options=()) for _ in range(2)]
        for job in jobs:
            self.product.known(job.pid)
        waiting.until(lambda: sorted(self.product.where(job.pid) for job in jobs) == ["a", "c"], "one to go to c",
                      pause=waiting.DECISION_PAUSE_S)
        self.product.let_decide(5)
        self.assertEqual(sorted(self.product.where(job.pid) for job in jobs), ["a", "c"])
        self.cluster.link("a", "b").heal()
        waiting.until(lambda: self.reachable("b"), "b to be found again")

    def test_agents_crash_and_relearn(self):
        job = self.start(COUNTER)
        self.product.migrate(job.pid, "b")
        stay = self.start(LOOP)
        self.product.known(stay.pid)
        for host in (self.a, self.b):
            agent = self.agent_of(host)
            host.run(["kill", "-KILL", str(agent)])
            waiting.until(lambda: self.agent_of(host) not in (None, agent), f"another agent on {host.name}")
        waiting.until(lambda: self.product.row(job.pid) and self.product.row(stay.pid), "the programs to be known again")
        self.assertEqual((self.product.where(job.pid), self.product.moves(job.pid)), ("b", 1))
        self.assertEqual(self.product.where(stay.pid), "a")
        waiting.until(lambda: '"role":"guest"' in self.b.run(["llrunctl", "ps", "--json"]).stdout,
                      "the guest to be known again")
        waiting.until(lambda: self.reachable("b"), "b to be reachable")
        self.product.bring_home(job.pid)
        self.assert_counts_on_to_the_end(job)

    def test_cleanup_removes_leftovers_and_no_living_job(self):
        away, here = self.start(COUNTER), self.start(LOOP)
        self.product.migrate(away.pid, "b")
        self.product.known(here.pid)
        for host in (self.a, self.b):
            self.assertNotIn("left over", self.status(host))
        dead = self.start(LOOP)
        self.product.migrate(dead.pid, "b")
        # On b a world whose supervisor is gone cannot end while its warden is stopped.
        guest = waiting.until(lambda: next((row for row in self.rows(self.b) if row["role"] == "guest"
                                            and row["pid"] == dead.pid), None), "b to report the guest")
        warden = self.b.shell(f"pgrep -P {guest['supervisor_pid']} llrun-warden").strip()
        self.b.run(["kill", "-STOP", warden])
        self.b.run(["kill", "-KILL", str(guest["supervisor_pid"])])
        self.b.shell("cd ~/.local/state/llrun/*/ && echo half >picture.llrun-part")
        left = waiting.until(lambda: self.status(self.b).count("left over") >= 2 and self.status(self.b),
                             "status to find what is left")
        self.assertIn(f"process {warden} keeps a world without a supervisor", left)
        self.assertIn("picture.llrun-part was never finished", left)
        cleaned = self.b.run(["llrunctl", "cleanup"]).stdout
        self.assertIn(f"removed: process {warden} keeps", cleaned)
        waiting.until(lambda: "left over" not in self.status(self.b), "nothing to be left over")
        self.assertEqual(self.b.run(["llrunctl", "cleanup"]).stdout, "nothing is left over\n")
        self.assertEqual(self.a.run(["llrunctl", "cleanup"]).stdout, "nothing is left over\n")
        self.assertEqual(self.product.where(away.pid), "b")
        self.assertTrue(here.alive())
        self.product.bring_home(away.pid)
        self.assert_counts_on_to_the_end(away)

    def test_a_dead_agents_socket_is_found(self):
        agent = self.agent_of(self.c)
        self.product.must("level", "off", "c")
        # Stopped first: nobody on a starts another before we look.
        self.cluster.link("a", "c").cut()
        waiting.until(lambda: not self.reachable("c"), "c to be missed")
        self.c.run(["kill", "-KILL", str(agent)])
        self.assertIn("c.sock is the socket of an agent that has gone", self.status(self.c))
        self.c.run(["llrunctl", "cleanup"])
        self.assertNotIn("left over", self.status(self.c))
        self.cluster.link("a", "c").heal()
        waiting.until(lambda: self.reachable("c"), "c to be started again and found")
        self.assertIn("c *", self.product.must("loads"), "what was switched off stays so")

    def status(self, host):
        done = host.run(["llrunctl", "status"], check=False)
        return done.stdout + done.stderr

    def rows(self, host):
        return [json.loads(line) for line in host.run(["llrunctl", "ps", "--json"]).stdout.splitlines()]

    def test_doctor(self):
        own = self.product.ctl("doctor")
        self.assertIn("A: sends programs and hosts guests", own.stdout)
        self.assertEqual(own.returncode, 0, own.stdout)
        pair = self.product.ctl("doctor", "b", "--json")
        self.assertEqual(pair.returncode, 0, pair.stdout)
        for about in ('"tier"', '"user namespaces"', '"protocol"', '"CPU features (there)"', '"clocks (back)"'):
            self.assertIn(f'"about":{about}', pair.stdout)
        self.b.run(["chmod", "0600", "/dev/fuse"], as_root=True)
        broken = self.product.ctl("doctor", "b")
        self.assertEqual(broken.returncode, 1)
        self.assertIn("chmod 0666 /dev/fuse", broken.stdout)
        self.assertIn("B: user namespaces without FUSE", broken.stdout)
        self.assertEqual(self.product.ctl("doctor", "z").returncode, 4)


if __name__ == "__main__":
    case.main()
