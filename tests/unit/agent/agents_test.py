"""Agents end to end: two nodes on one machine, with supervisors that only answer."""
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from channel import (AGENT, HELD, HELLO, HOLDING, JOB, NOT_HELD, REFUSAL, RESUME, Channel,  # noqa: E402
                      bytes_field, frame, hello)
from nodes import Nodes, become_ordinary, wait_for  # noqa: E402

BUILT = sys.argv.pop(1)
TWO = "[nodes]\na = llrund --stdio --name a\nb = llrund --stdio --name b\n"
AGENT_FRAME = 3
# AgentMessage{verb: RemoteVerb{id: 7, verb: AgentVerb{verb: "block"}}}
BLOCK = bytes_field(4, b"\x08\x07" + bytes_field(2, bytes_field(1, b"block")))


class AgentsTest(unittest.TestCase):
    def nodes(self, conf=TWO):
        nodes = Nodes(BUILT, conf)
        self.addCleanup(nodes.__exit__)
        return nodes

    def supervised(self, nodes, node, report=""):
        """A process with a fake supervisor at `node`."""
        process = nodes.start("llrun", "--name", node, "sleep", "1000", env={"LLRUN_FAKE_REPORT": report})
        wait_for("its supervisor", lambda: self.row(nodes, node, process.pid))
        return process

    def row(self, nodes, node, pid):
        return next((row for row in nodes.rows(node, "ps") if row["pid"] == pid), None)

    def test_the_first_question_waits_for_the_peers(self):
        b = self.nodes().node("a", "b")
        self.assertTrue(b["reachable"], b)

    def test_the_first_question_does_not_wait_for_ever(self):
        b = self.nodes("[nodes]\nb = sleep 1000\n").node("a", "b")
        self.assertFalse(b["reachable"])
        self.assertIn("has just been started", b["unreachable_why"])

    def test_nodes_learn_each_others_load(self):
        nodes = self.nodes()
        wait_for("b seen by a", lambda: nodes.node("a", "b")["reachable"])
        wait_for("a seen by b", lambda: nodes.node("b", "a")["reachable"])
        seen = nodes.node("a", "b")
        self.assertGreater(seen["capacity"], 0)
        self.assertGreater(seen["free_memory_bytes"], 0)
        wait_for("a newer load", lambda: nodes.node("a", "b")["measured_at_ms"] > seen["measured_at_ms"])
        wait_for("a round trip", lambda: nodes.node("a", "b")["rtt_us"] > 0)
        nodes.ctl("b", "block")
        wait_for("b blocked, seen by a", lambda: not nodes.node("a", "b")["accepts"])
        nodes.ctl("b", "level", "off")
        wait_for("b not levelling", lambda: not nodes.node("a", "b")["levelling"])
        self.assertIn("b *", nodes.ctl("a", "loads").stdout)

    def test_nodes_of_one_processor_are_equally_fast(self):
        """Also if one of them was measured while it was busy."""
        with Nodes(BUILT, "") as alone:
            alone.rows("a", "loads")
            [kept] = glob.glob(alone.env["XDG_STATE_HOME"] + "/llrun/*/speed")
            with open(kept, encoding="utf-8") as file:
                _, _, model = file.read().split(" ", 2)
            place = os.path.relpath(kept, alone.env["XDG_STATE_HOME"])
        nodes = self.nodes("exchange = 200ms\n" + TWO)
        busy, idle = nodes.env["XDG_STATE_HOME"], os.path.join(nodes.top, "state of b")
        for state, speed in ((busy, 1.5), (idle, 2.0)):
            os.makedirs(os.path.dirname(os.path.join(state, place)))
            with open(os.path.join(state, place), "w", encoding="utf-8") as file:
                file.write(f"{speed} 60 {model}")  # it has been measured as often as ever
        # The one with a state of its own first, and it starts no other.
        started = nodes.start("llrund", "--background", "--name", "b", env={"XDG_STATE_HOME": idle, "LLRUN_CONF": "/dev/null"})
        self.assertEqual(started.wait(60), 0)
        wait_for("them to be equal", lambda: [nodes.node("a", node)["speed"] for node in ("a", "b")] == [2.0, 2.0])

    def test_a_vanished_peer_is_noticed_and_found_again(self):
        nodes = self.nodes()
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        agent = nodes.status("b")["pid"]
        os.kill(agent, signal.SIGSTOP)
        wait_for("silence", lambda: not nodes.node("a", "b")["reachable"])
        self.assertIn("silent", nodes.node("a", "b")["unreachable_why"])
        self.assertEqual(nodes.ctl("a", "migrate", str(os.getpid()), "b").returncode, 3)
        os.kill(agent, signal.SIGCONT)
        wait_for("b again", lambda: nodes.node("a", "b")["reachable"])
        os.kill(agent, signal.SIGKILL)
        wait_for("another agent of b", lambda: nodes.node("a", "b")["reachable"] and nodes.agent("b") not in (None, agent))

    def test_an_unreachable_peer_says_why(self):
        nodes = self.nodes("[nodes]\nb = sh -c 'echo no route to host b >&2; exit 255'\nc = false\nd = no-such-command\n")
        why = lambda node: nodes.node("a", node)["unreachable_why"]
        wait_for("b's complaint", lambda: why("b") == "no route to host b")
        wait_for("c's end", lambda: "exited with status 1" in why("c"))
        wait_for("d's absence", lambda: "no-such-command" in why("d"))

    def test_a_login_that_prints_is_shown(self):
        nodes = self.nodes("[nodes]\nb = sh -c 'echo a warning >&2; echo Welcome to b; exec llrund --stdio --name b'\n")
        why = wait_for("the line", lambda: [why for why in [nodes.node("a", "b")["unreachable_why"]] if "Welcome" in why])
        self.assertIn('"Welcome to b" was printed where', why[0])
        self.assertIn(".bashrc", why[0])

    def test_a_peer_with_another_name_is_refused(self):
        nodes = self.nodes("[nodes]\nb = llrund --stdio --name c\n")
        wait_for("the difference", lambda: "calls itself c" in nodes.node("a", "b")["unreachable_why"])

    def test_a_visitor_that_is_nobody(self):
        nodes = self.nodes("")
        for name in ("", "../b", "b" * 65, "b\nc"):
            visitor = Channel(nodes, "b")
            visitor.say(AGENT, node=name)
            kind, words = visitor.hear()
            self.assertEqual(kind, REFUSAL)
            self.assertIn("no node's name", words)
        namesake = Channel(nodes, "b")
        namesake.say(AGENT, node="b")
        kind, words = namesake.hear()
        self.assertEqual(kind, REFUSAL)
        self.assertIn("this node calls itself b, too", words)
        self.assertEqual([row["node"] for row in nodes.rows("b", "nodes")], ["b"])

    def test_a_restarted_agent_relearns_its_programs(self):
        nodes = self.nodes("")
        process = self.supervised(nodes, "a", 'program: "sleep" moves: 2 last_reason: "a test"')
        agent = nodes.status("a")["pid"]
        os.kill(agent, signal.SIGKILL)
        wait_for("another agent", lambda: nodes.agent("a") not in (None, agent))
        row = wait_for("the process", lambda: self.row(nodes, "a", process.pid))
        self.assertEqual((row["program"], row["moves"], row["last_reason"]), ("sleep", 2, "a test"))
        process.kill()
        process.wait()
        wait_for("its end", lambda: self.row(nodes, "a", process.pid) is None)
        self.assertIn(f"home {process.pid}: ended: as the test wanted", nodes.ctl("a", "log").stdout)

    def test_a_stopped_agent_stays_stopped_until_somebody_here_wants_it(self):
        nodes = self.nodes()
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        os.kill(nodes.status("b")["pid"], signal.SIGTERM)
        wait_for("the refusal", lambda: "its owner has stopped it" in nodes.node("a", "b")["unreachable_why"])
        self.assertEqual(nodes.ctl("b", "status").returncode, 4)
        nodes.rows("b", "ps")
        wait_for("b again", lambda: nodes.node("a", "b")["reachable"])

    def test_verbs_reach_the_supervisor_and_exit_as_documented(self):
        nodes = self.nodes()
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        pid = str(self.supervised(nodes, "a", 'program: "sleep" where: "b"').pid)
        moved = nodes.ctl("a", "migrate", pid, "b")
        self.assertEqual((moved.returncode, moved.stdout), (0, "moved to b\n"))
        self.assertIn("migrate b by hand: llrund --stdio --name b", nodes.traced())
        home = nodes.ctl("a", "home", pid)
        self.assertEqual((home.returncode, home.stdout), (1, ""))
        self.assertIn("it cannot come home: this is a test", home.stderr)
        self.assertIn("this is a test", nodes.ctl("a", "home", "--all").stderr)
        self.assertEqual(nodes.ctl("a", "why", pid).stdout,
                         "it stays:\nfd 7 is a test\n    to change that: end the test\n")
        self.assertEqual(nodes.rows("a", "why", pid)[0]["what"], "fd 7 is a test")
        self.assertEqual(nodes.ctl("a", "stack", pid).stdout, "#0 main\n")
        self.assertEqual(nodes.ctl("a", "pin", pid).stdout, "stays\n")
        self.assertEqual(nodes.ctl("a", "unpin", pid).stdout, "may move\n")
        nowhere = nodes.ctl("a", "migrate", pid, "z")
        self.assertEqual(nowhere.returncode, 4)
        self.assertIn("there is no node z", nowhere.stderr)
        self.assertEqual(nodes.ctl("a", "why", "1").returncode, 3)
        for wrong in (["migrate", pid], ["migrate", "x", "b"], ["home"], ["level", "up"], ["fly"], [], ["ps", "--all"]):
            self.assertEqual(nodes.ctl("a", *wrong).returncode, 2, wrong)
        nodes.ctl("b", "block")
        wait_for("b blocked", lambda: not nodes.node("a", "b")["accepts"])
        blocked = nodes.ctl("a", "migrate", pid, "b")
        self.assertEqual(blocked.returncode, 1)
        self.assertIn("takes no guests", blocked.stderr)
        table = nodes.ctl("a", "ps").stdout.splitlines()
        self.assertTrue(table[0].lstrip().startswith("PID"))
        self.assertIn("sleep", table[1])

    def test_switches_of_other_nodes_travel_over_the_link(self):
        nodes = self.nodes()
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        self.assertEqual(nodes.ctl("a", "level", "off", "b").stdout, "node b takes no part in levelling\n")
        self.assertFalse(nodes.status("b")["levelling"])
        self.assertTrue(nodes.status("a")["levelling"])
        both = nodes.ctl("a", "level", "on", "--all")
        self.assertEqual(both.stdout, "node a takes part in levelling\nnode b takes part in levelling\n")
        nodes.ctl("a", "block", "b")
        wait_for("b blocked", lambda: "llrunctl accept b" in nodes.node("a", "b")["accepts_why_not"])
        self.assertEqual(nodes.ctl("a", "block", "z").returncode, 4)
        self.assertEqual(nodes.ctl("a", "level", "off", "b", "--all").returncode, 2)
        self.assertIn("agent b runs", nodes.ctl("a", "status", "b").stdout)
        agent = nodes.status("b")["pid"]
        os.kill(agent, signal.SIGKILL)
        wait_for("another agent of b", lambda: nodes.node("a", "b")["reachable"] and nodes.agent("b") not in (None, agent))
        self.assertFalse(nodes.status("b")["accepts"], "what was shut out stays so")

    def test_only_the_side_that_opened_a_channel_may_ask(self):
        nodes = self.nodes("[nodes]\ntester = sh -c 'cat $HOME/says; exec sleep 1000'\n")
        visitor = Channel(nodes, "b")
        visitor.say(AGENT)
        self.assertEqual(visitor.hear()[0], HELLO)
        visitor.process.stdin.write(frame(AGENT_FRAME, BLOCK))
        wait_for("b blocked", lambda: not nodes.status("b")["accepts"])
        load = bytes_field(1, bytes_field(1, b"tester"))
        with open(os.path.join(nodes.env["HOME"], "says"), "wb") as says:
            says.write(frame(HELLO, hello(AGENT)) + frame(AGENT_FRAME, BLOCK) + frame(AGENT_FRAME, load))
        nodes.rows("a", "ps")
        wait_for("what follows the order", lambda: nodes.node("a", "tester")["measured_at_ms"] == 0 and
                 "tester is reachable" in nodes.ctl("a", "log").stdout)
        self.assertTrue(nodes.status("a")["accepts"])

    def test_loads_for_scripts_and_the_best_node(self):
        nodes = self.nodes("exchange = 200ms\n" + TWO)
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        path = os.path.join(nodes.run_directory, "llrun", "a.loads")

        def lines():
            with open(path, encoding="utf-8") as file:
                return [line.split() for line in file]
        wait_for("both nodes in the file", lambda: [line[1] for line in lines()[1:]] == ["on", "on"])
        self.assertEqual([line[0] for line in lines()], ["#node", "a", "b"])
        nodes.ctl("a", "level", "off", "b")
        wait_for("the switch in the file", lambda: lines()[2][1] == "off")
        self.assertIn(nodes.ctl("a", "best").stdout.strip(), ("a", "b"))
        best = nodes.rows("a", "best")[0]
        self.assertEqual([row["node"] for row in best["nodes"]], ["a", "b"])
        self.assertEqual(best["nodes"][1]["why_not"], "levelling off")
        self.assertIn("s a CPU second", nodes.ctl("a", "best", "--explain").stdout)

    def test_an_agent_that_comes_too_late_leaves_everything_as_it_is(self):
        nodes = self.nodes("exchange = 1s\n[nodes]\n")
        nodes.ctl("a", "nodes")
        path = os.path.join(nodes.run_directory, "llrun", "a.loads")
        wait_for("the load file", lambda: os.path.exists(path))
        [agent] = nodes.ours()
        os.kill(agent, signal.SIGSTOP)  # writes nothing meanwhile
        try:
            late = nodes.run("llrund", "--name", "a")
            self.assertTrue(os.path.exists(path))
        finally:
            os.kill(agent, signal.SIGCONT)
        self.assertNotEqual(late.returncode, 0)
        self.assertIn("already running", late.stderr)

    def test_draining_asks_guests_to_leave_and_says_who_has_not(self):
        nodes = self.nodes("drain = 1s\n" + TWO)
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        guest = Channel(nodes, "b")
        guest.say(JOB, job="job7")
        self.assertEqual(guest.hear()[0], HELLO)
        wait_for("the guest", lambda: nodes.rows("b", "ps"))
        drained = nodes.ctl("a", "drain", "b")
        self.assertEqual(drained.returncode, 1)
        self.assertIn("these have not left yet", drained.stderr)
        self.assertIn("come home", nodes.traced())
        late = Channel(nodes, "b")
        late.say(JOB, job="job8")
        self.assertIn("drained", late.hear()[1])
        guest.close()
        done = nodes.ctl("a", "drain", "b")
        self.assertEqual((done.returncode, done.stdout), (0, "node b has no guests any more\n"))
        self.assertTrue(nodes.status("b")["draining"])
        nodes.ctl("a", "drain", "b", "--undo")
        self.assertTrue(nodes.status("b")["accepts"])

    def test_what_is_switched_is_known_at_once(self):
        nodes = self.nodes("exchange = 10s\n" + TWO)
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        nodes.ctl("a", "drain", "b")
        self.assertTrue(nodes.node("a", "b")["draining"])
        nodes.ctl("a", "drain", "b", "--undo")
        nodes.ctl("a", "level", "off", "b")
        self.assertEqual([nodes.node("a", "b")[key] for key in ("draining", "levelling")], [False, False])

    def test_a_stopping_agent_waits_for_its_guests_only_so_long(self):
        nodes = self.nodes("drain = 1s\n")
        guest = Channel(nodes, "b")
        guest.say(JOB, job="job7")
        self.assertEqual(guest.hear()[0], HELLO)
        wait_for("the guest", lambda: nodes.rows("b", "ps"))
        os.kill(nodes.status("b")["pid"], signal.SIGTERM)
        wait_for("its end", lambda: nodes.ctl("b", "status").returncode == 4)
        self.assertIn("come home", nodes.traced())
        with open(os.path.join(nodes.env["XDG_STATE_HOME"], "llrun", os.listdir(
                nodes.env["XDG_STATE_HOME"] + "/llrun")[0], "log"), encoding="utf-8") as log:
            self.assertIn("has not left in time and runs on", log.read())

    def test_an_agent_that_cannot_have_guests_says_why(self):
        nodes = self.nodes("")
        nodes.env["LLRUN_FAKE_PROBE"] = "its kernel is of the last century"
        nodes.rows("b", "ps")
        wait_for("the reason", lambda: "last century" in nodes.node("b", "b")["accepts_why_not"])
        channel = Channel(nodes, "b")
        channel.say(JOB)
        self.assertIn("last century", channel.hear()[1])

    def test_doctor_asks_the_node_and_judges_the_pair(self):
        nodes = self.nodes()
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        own = nodes.ctl("a", "doctor")
        self.assertEqual(own.returncode, 1, "the stand-in misses something")
        self.assertIn("missing  a test: w\n", own.stdout)
        self.assertIn("to change that: r\n", own.stdout)
        done = nodes.ctl("a", "doctor", "b", "--json")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({row["schema"] for row in rows}, {1})
        self.assertEqual((rows[0]["node"], rows[0]["about"]), ("b", "a test"))
        about = {row["about"]: row["finding"] for row in rows}
        for one in ("protocol", "CPU features (there)", "kernel (back)", "clocks (there)"):
            self.assertEqual(about[one], "ok", one)
        self.assertEqual(nodes.ctl("a", "doctor", "z").returncode, 4)

    def test_what_a_dead_agent_leaves_is_shown_and_removed(self):
        nodes = self.nodes("")
        nodes.rows("a", "ps")
        nodes.rows("b", "ps")
        self.assertNotIn("left over", nodes.ctl("a", "status").stdout)
        os.kill(nodes.status("b")["pid"], signal.SIGKILL)
        left = nodes.ctl("b", "status")
        self.assertEqual(left.returncode, 4)
        self.assertIn("b.sock is the socket of an agent that has gone", left.stdout)
        self.assertEqual(nodes.ctl("a", "cleanup", "--json").returncode, 0)
        self.assertEqual(nodes.ctl("a", "cleanup").stdout, "nothing is left over\n")
        self.assertEqual(nodes.ctl("a", "status").returncode, 0, "the living agent was left alone")

    def test_the_log_is_followed(self):
        nodes = self.nodes("")
        nodes.rows("a", "ps")
        follower = nodes.start("llrunctl", "--name", "a", "log", "-f", stdout=subprocess.PIPE, text=True)
        self.assertIn("the agent of node a has started", follower.stdout.readline())
        nodes.ctl("a", "block")
        self.assertIn("node a takes no guests", follower.stdout.readline())

    def test_a_job_is_let_in_and_its_channel_found_again(self):
        nodes = self.nodes("")
        channel = Channel(nodes, "b")
        channel.say(JOB, job="job7")
        kind, greeting = channel.hear()
        self.assertEqual(kind, HELLO)
        self.assertIn("guest of job7", greeting)
        guest = wait_for("the guest", lambda: nodes.rows("b", "ps"))[0]
        self.assertEqual((guest["role"], guest["home"], guest["program"], guest["job"]),
                         ("guest", "tester", "povray", "job7"))
        again = Channel(nodes, "b")
        again.say(RESUME, job="job7", version=1)  # its guest is of its version; the agent need not be
        self.assertIn("resumed job7", again.hear()[1])
        stranger = Channel(nodes, "b")
        stranger.say(RESUME, job="job8")
        self.assertEqual(stranger.hear()[0], HOLDING)
        self.assertEqual(stranger.process.wait(60), 0, "nobody holds the lifeline of a refused channel")
        channel.process.send_signal(signal.SIGHUP)
        self.assertIsNone(channel.process.poll())
        channel.close()
        self.assertEqual(channel.process.wait(60), 0, "the guest has ended and let go of the lifeline")
        wait_for("the guest's end", lambda: not nodes.rows("b", "ps"))

    def asked_for(self, nodes, job):
        channel = Channel(nodes, "b")
        channel.say(RESUME, job=job)
        state = channel.hear_holding()
        channel.close()
        return state

    def test_what_is_said_of_a_guest_is_told_by_processes_and_not_by_what_has_registered(self):
        nodes = self.nodes("")
        channel = Channel(nodes, "b")
        channel.say(JOB, job="job7")
        channel.hear()
        guest = wait_for("the guest", lambda: nodes.rows("b", "ps"))[0]
        os.kill(guest["supervisor_pid"], signal.SIGSTOP)  # it tells no new agent of itself
        os.kill(nodes.status("b")["pid"], signal.SIGKILL)
        self.assertEqual(self.asked_for(nodes, "job7"), HELD)
        # Other supervisors may begin or end in the same moment: then it is not known.
        wait_for("another job not to be held", lambda: self.asked_for(nodes, "job8") == NOT_HELD)
        os.kill(guest["supervisor_pid"], signal.SIGKILL)
        wait_for("the job not to be held", lambda: self.asked_for(nodes, "job7") == NOT_HELD)

    def test_admission_is_refused_in_words(self):
        nodes = self.nodes("[guests]\nmax = 1\nmemory = 100\n")

        def knock(**fields):
            channel = Channel(nodes, "b")
            channel.say(JOB, **fields)
            return (*channel.hear(), channel)

        self.assertIn("gives guests 100.0 MiB at most", knock(memory=200 << 20)[1])
        self.assertIn("is it llrun", self.nonsense(nodes)[1])
        self.assertIn("version 99", knock(version=99)[1])
        kind, _, guest = knock(job="first")
        self.assertEqual(kind, HELLO)
        kind, words, _ = knock(job="second")
        self.assertEqual(kind, REFUSAL)
        self.assertIn("has 1 guests and takes no more", words)
        guest.close()
        wait_for("room", lambda: not nodes.rows("b", "ps"))
        nodes.ctl("b", "block")
        self.assertIn("takes no guests", knock()[1])
        nodes.ctl("b", "accept")
        wait_for("the door open", lambda: knock()[0] == HELLO)

    def nonsense(self, nodes):
        channel = Channel(nodes, "b")
        channel.process.stdin.write(frame(10, b"12345678"))
        return channel.hear()

    def test_a_wrong_configuration_is_told_to_whoever_starts_the_agent(self):
        nodes = self.nodes("aftr = 5s\n")
        done = nodes.ctl("a", "nodes")
        self.assertEqual(done.returncode, 2)
        self.assertIn("llrun.conf:1", done.stderr)
        nodes2 = self.nodes("strategy = coin-toss\n")
        done = nodes2.ctl("a", "nodes")
        self.assertEqual(done.returncode, 4)
        self.assertIn("coin-toss", done.stderr)

    def decides(self, nodes, node):
        return next(row for row in nodes.rows(node, "strategy") if row["decides"])

    def test_the_strategy_is_shown_and_changed_while_the_agent_runs(self):
        nodes = self.nodes("[strategy]\nmargin = 3\n")
        self.assertEqual(self.decides(nodes, "a")["settings"]["margin"], 3)
        agent = nodes.status("a")["pid"]
        self.assertEqual(nodes.ctl("a", "strategy", "hindrance", "asked=4").returncode, 0)
        self.assertEqual(self.decides(nodes, "a")["strategy"], "hindrance")
        self.assertEqual(self.decides(nodes, "a")["settings"]["asked"], 4)
        self.assertIn("* hindrance", nodes.ctl("a", "strategy").stdout)
        wrong = nodes.ctl("a", "strategy", "coin-toss")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("coin-toss", wrong.stderr)
        self.assertEqual(nodes.status("a")["strategy"], "hindrance")
        self.assertEqual(nodes.status("a")["pid"], agent)

    def program(self, nodes, text):
        path = os.path.join(nodes.top, "strategy.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/usr/bin/python3\nimport json, sys\n" + text)
        os.chmod(path, 0o700)
        return path

    def test_a_program_of_ones_own_decides(self):
        nodes = self.nodes()
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        path = self.program(nodes, """
for line in sys.stdin:
    q = json.loads(line)
    moves = [{"process": p["id"], "to": "b", "reason": "the user's own idea"} for p in q.get("processes", [])
             if any(n["name"] == "b" for n in q["peers"])]
    print(json.dumps({"id": q["id"], "moves": moves, "to": None}), flush=True)
""")
        self.assertEqual(nodes.ctl("a", "strategy", "exec:" + path).returncode, 0)
        process = self.supervised(nodes, "a", 'program: "sleep" eligible: true cpu_rate: 1 age_ms: 9000')
        wait_for("the order", lambda: any(line.startswith("migrate b:") for line in nodes.traced()))
        self.assertIn("the user's own idea", nodes.ctl("a", "log").stdout)
        self.assertEqual(self.decides(nodes, "a")["trouble"], "")
        process.kill()

    def test_a_program_that_is_known_to_run_long_is_placed_at_its_start(self):
        nodes = self.nodes(TWO + "[hints]\nsleep = long\n")
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        path = self.program(nodes, """
for line in sys.stdin:
    q = json.loads(line)
    to = "b" if q["question"] == "place" and q["exec"]["expected_cpu_s"] > 3000 else None
    print(json.dumps({"id": q["id"], "moves": [], "to": to}), flush=True)
""")
        self.assertEqual(nodes.ctl("a", "strategy", "exec:" + path).returncode, 0)
        young = 'eligible: false age_ms: 20 waits_until_ms: 5000'
        other = self.supervised(nodes, "a", f'program: "true" executable: "/bin/true" {young}')
        process = self.supervised(nodes, "a", f'program: "sleep" executable: "/bin/sleep" {young}')
        wait_for("the order", lambda: any(line.startswith("start on b:") for line in nodes.traced()))
        self.assertIn("placed at its start, since a hint says that sleep runs long", nodes.ctl("a", "log").stdout)
        explained = nodes.rows("a", "why", str(process.pid), "--explain")[0]
        self.assertIn("a hint says that sleep runs long", explained["at_start"])
        self.assertEqual(nodes.rows("a", "why", str(other.pid), "--explain")[0]["at_start"], "")
        self.assertEqual(len(nodes.traced()), 1, "of the other one nothing was known")
        process.kill()
        other.kill()

    def test_a_program_that_fails_is_replaced_and_that_is_said(self):
        nodes = self.nodes()
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        path = self.program(nodes, "sys.exit(3)\n")
        nodes.ctl("a", "strategy", "exec:" + path)
        process = self.supervised(nodes, "a", 'program: "sleep" eligible: true cpu_rate: 1 age_ms: 9000')
        trouble = wait_for("the trouble", lambda: self.decides(nodes, "a")["trouble"])
        self.assertIn("decides meanwhile", trouble)
        wait_for("it in the log", lambda: "decides meanwhile" in nodes.ctl("a", "log", "-n", "200").stdout)
        self.assertEqual(nodes.ctl("a", "strategy", "none").returncode, 0)
        process.kill()

    def run_to_its_end(self, nodes, node, cpu_ms):
        process = self.supervised(nodes, node, f'program: "sleep" executable: "/bin/sleep" cpu_ms: {cpu_ms}')
        process.kill()
        process.wait()
        wait_for("its end", lambda: self.row(nodes, node, process.pid) is None)

    def test_history_is_kept_and_shown_and_damage_harms_nothing(self):
        nodes = self.nodes("[hints]\nsleep = never\n")
        self.assertEqual(nodes.ctl("a", "history").stdout, "nothing has run here yet\n")
        self.assertEqual(nodes.ctl("a", "history", "sleep").returncode, 1)
        self.run_to_its_end(nodes, "a", 60_000)
        row = nodes.rows("a", "history", "sleep")[0]
        self.assertEqual((row["path"], row["runs"], row["never"]), ("/bin/sleep", 1, True))
        self.assertRegex(row["build_id"], "^[0-9a-f]{16,}$")
        self.assertAlmostEqual(row["cpu_s_median"], 60, delta=12)
        self.assertIn("/bin/sleep", nodes.ctl("a", "history").stdout)
        os.kill(nodes.status("a")["pid"], signal.SIGTERM)
        wait_for("its end", lambda: nodes.ctl("a", "status").returncode == 4)
        self.assertEqual(nodes.rows("a", "history")[0]["runs"], 1, "the next agent knows")
        os.kill(nodes.status("a")["pid"], signal.SIGTERM)
        wait_for("its end", lambda: nodes.ctl("a", "status").returncode == 4)
        state = os.path.join(nodes.env["XDG_STATE_HOME"], "llrun")
        database = os.path.join(state, os.listdir(state)[0], "history.db")
        with open(database, "wb") as file:
            file.write(b"x" * 8192)
        self.assertEqual(nodes.ctl("a", "history").stdout, "nothing has run here yet\n")
        self.assertIn("was damaged", nodes.ctl("a", "log").stdout)
        self.run_to_its_end(nodes, "a", 1000)
        self.assertEqual(nodes.rows("a", "history")[0]["runs"], 1)

    def test_a_hint_holds_a_program_and_says_so(self):
        nodes = self.nodes(TWO + "[hints]\nsleep = never\n")
        wait_for("b", lambda: nodes.node("a", "b")["reachable"])
        process = self.supervised(nodes, "a", 'program: "sleep" executable: "/bin/sleep" eligible: true')
        self.assertIn("a hint says that sleep never moves", nodes.ctl("a", "why", str(process.pid)).stdout)
        wrong = self.nodes("[hints]\nsleep = sometimes\n").ctl("a", "ps")
        self.assertEqual(wrong.returncode, 4)
        self.assertIn("a hint is never, short, long", wrong.stderr)

    def test_the_socket_is_private(self):
        nodes = self.nodes("")
        nodes.rows("a", "ps")
        path = os.path.join(nodes.run_directory, "llrun")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(path + "/a.sock").st_mode & 0o777, 0o600)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as nobody:
            nobody.connect(path + "/a.sock")
            nobody.send(b"\xff\xff")
            self.assertEqual(nobody.recv(10), b"", "nonsense ends the connection")
        nodes.rows("a", "ps")


if __name__ == "__main__":
    become_ordinary()
    unittest.main(verbosity=2)
