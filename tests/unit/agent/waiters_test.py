"""Programs that nobody has a reason to watch have no supervisor: a waiter and the agent see to them."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nodes import Nodes, become_ordinary, wait_for  # noqa: E402

BUILT = sys.argv.pop(1)
SPIN = "while : ; do : ; done"
SPIN_A_WHILE = "import time\nwhile time.process_time() < 1: pass"
PEER = "name = here\n[nodes]\nb = sh -c 'test -e {open} && exec llrund --stdio --name b'\n"


def read(name):
    """Below /proc; nothing of what has gone."""
    try:
        with open(f"/proc/{name}", encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


class WaitersTest(unittest.TestCase):
    def setUp(self):
        self.nodes = Nodes(BUILT, "", supervisor="llrun-supervisor")
        self.addCleanup(self.nodes.__exit__)
        self.addCleanup(self.end_orphans)
        # The configuration is where everybody's is: with another (LLRUN_CONF) nobody waits.
        del self.nodes.env["LLRUN_CONF"]
        self.nodes.env["XDG_CONFIG_HOME"] = os.path.join(self.nodes.top, "home")
        self.open = os.path.join(self.nodes.top, "open")
        os.mkdir(os.path.join(self.nodes.top, "home/llrun"))
        self.write_conf(PEER.format(open=self.open))
        self.number = str(os.getpid() * 1000)
        self.nodes.run("llrunctl", "nodes")

    def end_orphans(self):
        subprocess.run(["pkill", "-x", "-U", str(os.getuid()), "-f", f"sleep {self.number}"], check=False)

    def write_conf(self, text):
        with open(os.path.join(self.nodes.top, "home/llrun/llrun.conf"), "w", encoding="utf-8") as file:
            file.write(text)

    def rows(self):
        done = self.nodes.run("llrunctl", "ps", "--json")
        self.assertEqual(done.returncode, 0, done)
        return {row["pid"]: row for row in map(json.loads, done.stdout.splitlines())}

    def agent(self):
        done = self.nodes.run("llrunctl", "status", "--json")
        return json.loads(done.stdout)["pid"] if done.returncode == 0 else None

    def in_ps(self, pid):
        return wait_for(f"{pid} in ps", lambda: self.rows().get(pid))

    def supervises(self, row):
        """Which of our programs the process is that the row names."""
        try:
            return os.path.basename(os.readlink(f"/proc/{row['supervisor_pid']}/exe"))
        except OSError:
            return None

    def waited_for(self, pid):
        self.assertEqual(self.supervises(self.in_ps(pid)), "llrun")

    def supervised(self, pid):
        wait_for(f"a supervisor of {pid}", lambda: self.supervises(self.in_ps(pid)) == "llrun-supervisor")

    def reach_b(self):
        with open(self.open, "w", encoding="utf-8"):
            pass
        wait_for("node b", lambda: "unreachable" not in self.nodes.run("llrunctl", "nodes").stdout)

    def start(self, *argv):
        return self.nodes.start("llrun", *argv)

    def test_alone_nobody_has_a_supervisor(self):
        sleeper, worker = self.start("sleep", self.number), self.start("sh", "-c", SPIN)
        parent = self.start("sh", "-c", f"sleep {self.number}; true")
        for process in (sleeper, worker, parent):
            self.waited_for(process.pid)
        child = int(read(f"{parent.pid}/task/{parent.pid}/children"))
        self.assertEqual(self.in_ps(child)["program"], "sleep", "what it makes is listed, too")
        row = wait_for("CPU time", lambda: [row for row in [self.rows()[worker.pid]] if row["cpu_ms"] > 1000])[0]
        self.assertEqual((row["program"], row["where"], row["state"]), ("sh", "", "home"))
        self.waited_for(worker.pid)
        self.assertIn("3 of its programs at home", self.nodes.run("llrunctl", "status").stdout)
        self.assertEqual(self.nodes.run("pgrep", "-f", f"llrun sleep {self.number}").stdout, "", "nobody takes a waiter for the program")

    def test_who_asks_is_answered(self):
        for verb in ("why", "pin", "stack", "files"):
            process = self.start("sleep", "1000")
            self.waited_for(process.pid)
            done = self.nodes.run("llrunctl", verb, str(process.pid))
            self.assertEqual(done.returncode, 0, (verb, done))
            self.supervised(process.pid)

    def test_also_about_what_comes_from_it(self):
        process = self.start("sh", "-c", f"sleep {self.number}; true")
        self.waited_for(process.pid)
        child = int(read(f"{process.pid}/task/{process.pid}/children"))
        self.in_ps(child)
        self.assertEqual(self.nodes.run("llrunctl", "why", str(child)).returncode, 0)
        self.supervised(child)
        self.assertEqual(self.nodes.run("llrunctl", "why", "1").returncode, 3)

    def test_where_another_node_could_have_them_who_computes_is_watched(self):
        sleeper, worker = self.start("sleep", "1000"), self.start("sh", "-c", SPIN)
        parent = self.start("sh", "-c", f"sleep {self.number}; true")
        for process in (sleeper, worker, parent):
            self.waited_for(process.pid)
        self.reach_b()
        self.supervised(worker.pid)
        self.supervised(parent.pid)
        late = self.start("sh", "-c", SPIN)
        self.supervised(late.pid)
        self.waited_for(sleeper.pid)

    def test_a_move_that_is_asked_for_begins(self):
        self.reach_b()
        process = self.start("sleep", "1000")
        self.waited_for(process.pid)
        done = self.nodes.run("llrunctl", "migrate", str(process.pid), "b")
        self.assertNotEqual(done.returncode, 3, done)
        self.supervised(process.pid)

    def test_its_end_is_the_waiters(self):
        process = self.start("/usr/bin/python3", "-c", SPIN_A_WHILE)
        waiter = self.in_ps(process.pid)["supervisor_pid"]
        process.wait()
        wait_for("the waiter to end", lambda: not os.path.exists(f"/proc/{waiter}"))
        wait_for("it to be forgotten", lambda: process.pid not in self.rows())
        wait_for("what it was like", lambda: "python3" in self.nodes.run("llrunctl", "history").stdout)
        self.assertNotIn("unwatched", self.nodes.run("llrunctl", "log").stdout)

    def test_what_it_leaves_has_a_supervisor(self):
        process = self.start("sh", "-c", f"sleep 1; setsid sleep {self.number} &")
        self.waited_for(process.pid)
        process.wait()
        left = wait_for("who was left", lambda: [row for row in self.rows().values() if row["command"] == f"sleep {self.number}"])[0]
        self.assertEqual(self.supervises(left), "llrun-supervisor")

    def test_an_agent_that_dies_is_started_anew(self):
        process = self.start("sleep", "1000")
        self.waited_for(process.pid)
        os.kill(self.agent(), signal.SIGKILL)
        self.supervised(process.pid)

    def test_an_agent_that_was_stopped_is_waited_for(self):
        process = self.start("sleep", "1000")
        waiter = self.in_ps(process.pid)["supervisor_pid"]
        before = self.agent()
        os.kill(before, signal.SIGTERM)
        wait_for("the agent to end", lambda: not os.path.exists(f"/proc/{before}"))
        agents = lambda: [pid for pid in self.nodes.ours() if read(f"{pid}/comm") == "llrund\n"]
        self.assertEqual(agents(), [])
        self.nodes.run("llrunctl", "nodes")
        self.assertEqual(self.in_ps(process.pid)["supervisor_pid"], waiter, "the same waiter has come again")

    def test_without_its_waiter_it_is_said_to_be_unwatched(self):
        process = self.start("sleep", "1000")
        os.kill(self.in_ps(process.pid)["supervisor_pid"], signal.SIGKILL)
        wait_for("the log", lambda: f"home {process.pid}: sleep: who waited to supervise it" in self.nodes.run("llrunctl", "log").stdout)
        self.assertIsNone(process.poll())

    def test_who_says_nonsense_is_turned_away(self):
        """Of this user: others do not get as far."""
        names = [line.split()[-1] for line in read("net/unix").splitlines() if f"@llrun-waiting/{os.getuid()}/" in line]
        state = os.stat(os.path.join(self.nodes.top, "state/llrun", os.listdir(os.path.join(self.nodes.top, "state/llrun"))[0]))
        ours = [name for name in names if f"/{state.st_dev:x}-{state.st_ino:x}/" in name]
        self.assertEqual(sorted(name.rsplit("/", 1)[1] for name in set(ours)), ["", "here"])
        for said in (b"", b"x", b"x" * 100, struct.pack("ii", 10, 1), struct.pack("ii", 1, -1), struct.pack("ii", 1, 0)):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
                peer.connect("\0" + ours[0][1:])
                peer.send(said)
        process = self.start("sleep", "1000")
        self.waited_for(process.pid)
        self.assertEqual(set(self.rows()), {process.pid})

    def test_another_configuration_has_its_supervisors_at_once(self):
        process = self.nodes.start("llrun", "sleep", "1000", env={"LLRUN_CONF": self.nodes.conf})
        words = f"--pid\0{process.pid}\0"
        wait_for("its supervisor", lambda: any(words in read(f"{pid}/cmdline") for pid in self.nodes.ours()))


if __name__ == "__main__":
    become_ordinary()
    unittest.main()
