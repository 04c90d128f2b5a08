"""What comes from a program under llrun has a supervisor, one, also where everybody between has ended at once."""
import contextlib
import ctypes
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nodes import Nodes, become_ordinary, wait_for  # noqa: E402

BUILT = sys.argv.pop(1)
EACH = int(os.environ.get("LLRUN_TEST_CHILDREN", "6"))
CROWD = int(os.environ.get("LLRUN_TEST_CROWD", "20"))
DAEMON = """
import os, sys
if os.fork(): os._exit(0)
os.setsid()
os.chdir("/")
if os.fork(): os._exit(0)
os.closerange(0, 100)
os.execvp("sleep", ["sleep", sys.argv[1]])
"""


STARTS = (lambda number: ["setsid", "-f", "sleep", number], lambda number: ["sh", "-c", f"sleep {number} &"],
          lambda number: ["/usr/bin/python3", "-c", DAEMON, number])


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@contextlib.contextmanager
def traced(pid):
    """As what is left here of a program that is away."""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes, ptrace.restype = [ctypes.c_long] * 4, ctypes.c_long
    if ptrace(seize, pid, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seize")
    try:
        yield
    finally:
        ptrace(interrupt, pid, 0, 0)
        os.waitpid(pid, 0)
        ptrace(detach, pid, 0, 0)


class ChildrenTest(unittest.TestCase):
    def setUp(self):
        self.nodes = Nodes(BUILT, "name = here\n", supervisor="llrun-supervisor")
        self.addCleanup(self.nodes.__exit__)
        self.addCleanup(self.end_sleepers)
        self.base = os.getpid() * 1000  # so that other tests' sleepers are not ours

    def sleepers(self):
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                number = int(words[1]) - self.base if words[0] == b"sleep" else -1
            except (OSError, ValueError, IndexError):
                continue
            if 0 <= number < 1000:
                found[number] = int(name)
        return found

    def end_sleepers(self):
        for pid in self.sleepers().values():
            os.kill(pid, 9)

    def rows(self):
        return {row["pid"]: row for row in self.nodes.rows("here", "ps")}

    def all_supervised(self, count):
        wait_for("the sleepers", lambda: len(self.sleepers()) == count)
        wanted = set(self.sleepers().values())
        wait_for(f"a supervisor for each of {sorted(wanted)}", lambda: wanted <= set(self.rows()))
        return wanted

    def supervisors_of(self, pid):
        found = []
        for supervisor in self.nodes.ours():
            try:
                with open(f"/proc/{supervisor}/cmdline", encoding="utf-8") as file:
                    words = file.read().split("\0")
            except OSError:
                continue
            if words[0].endswith("llrun-supervisor") and str(pid) in words:
                found.append(supervisor)
        return found

    def one_each(self, pids):
        for pid in pids:
            supervisors = self.supervisors_of(pid)
            self.assertEqual(len(supervisors), 1, pid)
            # By this name it is found among all processes when it is asked whether home still waits for a job.
            with open(f"/proc/{supervisors[0]}/comm", encoding="utf-8") as file:
                self.assertEqual(file.read(), "llrun-superviso\n")

    def test_of_a_program_that_forks_and_ends(self):
        number = 0
        for start in STARTS:
            for _ in range(EACH):
                done = self.nodes.start("llrun", *start(str(self.base + number)))
                self.assertEqual(done.wait(60), 0)
                number += 1
        self.one_each(self.all_supervised(number))

    def test_of_a_crowd_that_is_started_at_once(self):
        """As fast as they can be started, a hundred at a time."""
        words = [STARTS[number % 3](str(self.base + number)) for number in range(3 * CROWD)]
        for first in range(0, len(words), 100):
            started = [self.nodes.start("llrun", *each) for each in words[first:first + 100]]
            self.assertEqual({one.wait(300) for one in started}, {0})
        pids = self.all_supervised(len(words))
        self.one_each(pids)
        self.assertEqual(sorted(pid for pid in self.rows() if pid not in pids), [], "what has ended is not listed")
        for pid in pids:
            status = status_of(pid)
            self.assertEqual((status["State"][0], status["TracerPid"]), ("S", "0"), pid)

    def test_of_a_child_that_ends_before_its_child(self):
        shell = self.nodes.start("llrun", "sh", "-c", f"setsid -f sleep {self.base}; (sleep {self.base + 1} &); read line",
                                 stdin=subprocess.PIPE)
        self.one_each(self.all_supervised(2))
        shell.stdin.close()
        shell.wait(60)

    def test_they_stay_where_the_program_does(self):
        self.nodes.start("llrun", "--stay", "setsid", "-f", "sleep", str(self.base)).wait(60)
        [pid] = self.all_supervised(1)
        self.assertIn("--stay", self.nodes.ctl("here", "why", str(pid)).stdout)

    def test_what_was_not_started_under_llrun_is_left_alone(self):
        under = self.nodes.start("llrun", "sleep", str(self.base))
        wait_for("the program", lambda: under.pid in self.rows())
        self.nodes.start("setsid", "-f", "sleep", str(self.base + 1)).wait(60)
        self.nodes.start("llrun", "setsid", "-f", "sleep", str(self.base + 2)).wait(60)
        wait_for("the sleepers", lambda: len(self.sleepers()) == 3)
        outside = self.sleepers()[1]
        inside = self.sleepers()[2]
        wait_for("the one that is under llrun, and is younger", lambda: inside in self.rows())
        self.assertNotIn(outside, self.rows())

    def test_an_agent_started_under_llrun_is_no_child(self):
        self.nodes.start("llrun", "sh", "-c", f"llrunctl --name other ps >/dev/null; setsid -f sleep {self.base}").wait(60)
        self.all_supervised(1)
        programs = {row["program"] for row in self.rows().values()}
        self.assertEqual(programs, {"sleep"})

    def test_a_second_llrun_finds_the_first(self):
        process = self.nodes.start("sleep", str(self.base))
        attach = ["llrun", "-p", str(process.pid)]
        first = self.nodes.run(*attach)
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        [supervisor] = self.supervisors_of(process.pid)
        wait_for("its supervisor to hold the claim",
                 lambda: f"(process {supervisor})" in self.nodes.run(*attach).stderr)
        second = self.nodes.run(*attach)
        self.assertEqual(second.returncode, 0)
        self.assertIn("has a supervisor already", second.stderr)
        self.assertEqual(self.nodes.run("llrun", "--stay", "-p", str(process.pid)).returncode, 125)
        with traced(process.pid):
            self.assertIn("has a supervisor already", self.nodes.run(*attach).stderr)
        self.one_each([process.pid])
        os.kill(supervisor, 9)
        # What is killed may hold its claim for a moment longer.
        wait_for("its claim to be free", lambda: "has a supervisor already" not in self.nodes.run(*attach).stderr)
        wait_for("another", lambda: self.supervisors_of(process.pid) not in ([], [supervisor]))

    def test_of_many_at_once_one_attaches(self):
        process = self.nodes.start("sleep", str(self.base))
        attaching = [self.nodes.start("llrun", "-p", str(process.pid), stderr=subprocess.DEVNULL) for _ in range(10)]
        self.assertEqual({one.wait(60) for one in attaching}, {0})
        wait_for("it", lambda: process.pid in self.rows())
        self.one_each([process.pid])

    def test_llrun_under_llrun_is_one(self):
        shell = self.nodes.start("llrun", "sh", "-c", f"llrun sleep {self.base} & exec llrun --stay sleep {self.base + 1}")
        self.one_each(self.all_supervised(2))
        self.assertIn(shell.pid, self.rows())

    def test_the_supervisor_says_that_it_has_attached(self):
        process = self.nodes.start("sleep", str(self.base))
        told, tell = os.pipe()
        program = os.pidfd_open(process.pid)
        supervisor = self.nodes.start("llrun-supervisor", "home", "--pid", str(process.pid), "--pidfd", str(program),
                                      "--verbose-fd", str(tell), "--until-attached", pass_fds=(program, tell))
        os.close(tell)
        with os.fdopen(told) as lines:
            self.assertEqual(lines.read(), "\n", "and then it lets go of who listens")
        self.assertIsNone(supervisor.poll())
        os.close(program)

    def test_a_reader_sees_the_end_of_a_program_whose_child_goes_on(self):
        done = self.nodes.run("sh", "-c", f"llrun -v sh -c 'setsid -f sleep {self.base} 2>/dev/null' 2>&1 >/dev/null | cat; echo end")
        self.assertTrue(done.stdout.endswith("end\n"), done)
        self.all_supervised(1)


if __name__ == "__main__":
    become_ordinary()
    unittest.main(verbosity=2)
