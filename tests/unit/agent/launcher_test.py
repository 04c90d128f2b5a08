"""llrun: what a program sees of having been started by it, which is nothing."""
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nodes import Nodes, become_ordinary, wait_for  # noqa: E402

BUILT = sys.argv.pop(1)

# Everything a process can learn of itself that an exec by a launcher might have changed.
LOOK = r"""
import os, re, signal, json
def read(name):
    with open('/proc/self/' + name) as file: return file.read()
status = [line for line in read('status').splitlines()
          if line.split(':')[0] in ('Umask', 'NoNewPrivs', 'Seccomp', 'SigQ', 'SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn',
                                    'SigCgt', 'Uid', 'Gid', 'Groups', 'CapEff', 'CapInh', 'CapBnd', 'TracerPid',
                                    'Threads')]
status = [re.sub(r'^SigQ:\t\d+', 'SigQ:', line) for line in status]
fds = []
for fd in os.listdir('/proc/self/fd'):
    try: fds.append((int(fd), re.sub('[0-9]+', 'N', os.readlink('/proc/self/fd/' + fd)), os.get_inheritable(int(fd))))
    except OSError: pass  # the listing's own
print(json.dumps({'status': status, 'fds': sorted(fds), 'environ': read('environ'),
  'cwd': os.getcwd(), 'session': os.getsid(0) == os.getsid(os.getppid()), 'group': os.getpgrp() == os.getpgid(os.getppid()),
  'parent': os.getppid(), 'children': read('task/%d/children' % os.getpid()), 'limits': read('limits'),
  'cmdline': read('cmdline'), 'comm': read('comm'), 'nice': os.nice(0), 'personality': read('personality'),
  'pending': sorted(signal.sigpending())}))
"""


def environment(pid):
    with open(f"/proc/{pid}/environ", encoding="utf-8") as file:
        return dict(entry.split("=", 1) for entry in file.read().split("\0") if "=" in entry)


class LauncherTest(unittest.TestCase):
    def setUp(self):
        self.nodes = Nodes(BUILT, "name = here\n")
        self.addCleanup(self.nodes.__exit__)

    def look(self, *llrun, **kw):
        done = self.nodes.run(*llrun, "/usr/bin/python3", "-c", LOOK, **kw)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)

    def same(self, **kw):
        bare = self.look(**kw)
        wrapped = self.look("llrun", **kw)
        for key, value in bare.items():
            self.assertEqual(wrapped[key], value, key)

    def test_a_program_finds_everything_as_without(self):
        self.same()

    def test_also_with_unusual_signals_and_descriptors(self):
        def odd():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
            os.umask(0o027)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 3)
            os.dup2(3, 9)
            os.set_inheritable(3, True)
        self.same(preexec_fn=odd, close_fds=False)

    def test_also_without_any_descriptor(self):
        script = "exec <&- >&- 2>&-; exec llrun sh -c 'ls -l /proc/self/fd >/dev/null; exit 42'"
        self.assertEqual(self.nodes.run("sh", "-c", script).returncode, 42)

    def test_exit_statuses(self):
        status = lambda *argv: self.nodes.run("llrun", *argv).returncode
        for code in (0, 1, 42, 255):
            self.assertEqual(status("sh", "-c", f"exit {code}"), code)
        self.assertEqual(status("sh", "-c", "kill -SEGV $$"), -signal.SIGSEGV)
        self.assertEqual(status("no-such-program"), 127)
        self.assertEqual(status("/etc/passwd"), 126)
        self.assertEqual(status("/"), 126)
        for wrong in ([], ["--no-such-option", "true"], ["--after", "soon", "true"], ["--node"], ["-p", "x"],
                      ["-p", "1", "true"], ["--max-io=-1", "true"], ["--stay=1", "true"]):
            self.assertEqual(status(*wrong), 125, wrong)
        self.assertEqual(status("--after=1s", "--node", "b", "--max-io", "2.5", "--stay", "--", "sh", "-c", "exit 7"), 7)

    def test_options_of_the_program_are_its_own(self):
        self.assertEqual(self.nodes.run("llrun", "echo", "-v", "--help", "--", "-p").stdout, "-v --help -- -p\n")

    def test_help_and_version(self):
        done = self.nodes.run("llrun", "--help")
        self.assertEqual(done.returncode, 0)
        self.assertLess(done.stdout.index("llrun povray scene.pov"), done.stdout.index("Usage"))
        self.assertRegex(self.nodes.run("llrun", "--version").stdout, r"^llrun \d+\.\d+")

    def test_the_supervisor_is_told_and_is_nobodys_child(self):
        process = self.nodes.start("llrun", "--node", "b", "--after", "2s", "sleep", "1000")
        row = wait_for("the report", lambda: [row for row in self.nodes.rows("here", "ps") if row["pid"] == process.pid])[0]
        supervisor = row["supervisor_pid"]
        with open(f"/proc/{supervisor}/cmdline", encoding="utf-8") as file:
            words = file.read().split("\0")[:-1]
        self.assertEqual(words, ["llrun-supervisor", "home", "--pid", str(process.pid), "--pidfd", "3", "--launched",
                                 "--node", "b", "--after", "2000", "--claim-fd", "5"])
        with open(f"/proc/{supervisor}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        self.assertNotEqual(int(fields[1]), process.pid, "its parent is not the program")
        self.assertEqual(int(fields[3]), supervisor, "a session of its own")
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as file:
            self.assertEqual(file.read(), "")
        links = [os.readlink(f"/proc/{supervisor}/fd/{fd}") for fd in (0, 1, 2)]
        self.assertEqual(links[:2], ["/dev/null"] * 2)
        self.assertRegex(links[2], "^pipe:", "whoever watches its beginning hears what it says")

    def test_a_reader_sees_the_end_of_the_program_not_of_its_supervisor(self):
        done = self.nodes.run("sh", "-c", "llrun echo text | cat; llrun -v true 2>&1 >/dev/null | grep -c .")
        self.assertTrue(done.stdout.startswith("text\n"), done)

    def test_without_a_supervisor_the_program_runs_and_the_log_says_so(self):
        os.unlink(os.path.join(self.nodes.bin, "llrun-supervisor"))
        done = self.nodes.run("llrun", "sh", "-c", "echo out; sleep 1; exit 3")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, "out\n", ""))
        log = lambda: self.nodes.run("llrunctl", "log").stdout
        self.assertIn("the supervisor could not be started", wait_for("the log", log))
        self.assertIn("cannot start", self.nodes.run("sh", "-c", "llrun -v true 2>&1 | cat").stdout)

    def test_a_supervisor_that_ends_at_once_is_told_of(self):
        """With what it said, as by a loader that does not find a library."""
        supervisor = os.path.join(self.nodes.bin, "llrun-supervisor")
        os.unlink(supervisor)
        with open(supervisor, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nprintf 'libstdc++.so.6: version\\n\\033 not found\\n' >&2\nexit 127\n")
        os.chmod(supervisor, 0o755)
        said = "its supervisor ended at once (libstdc++.so.6: version   not found); the program runs on here, unwatched"
        done = self.nodes.run("llrun", "sh", "-c", "echo out; sleep 1; exit 3")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, "out\n", ""))
        log = lambda: self.nodes.run("llrunctl", "log").stdout
        self.assertIn(said, wait_for("the log", log))
        self.assertIn(said, self.nodes.run("sh", "-c", "llrun -v sleep 1 2>&1 | cat").stdout)

    def test_the_programs_environment_is_not_the_supervisors(self):
        strange = {"LD_LIBRARY_PATH": self.nodes.top, "LD_PRELOAD": "libnone.so", "MALLOC_PERTURB_": "7", "ANY": "thing"}
        process = self.nodes.start("llrun", "sleep", "1000", env=strange)
        row = wait_for("the report", lambda: [row for row in self.nodes.rows("here", "ps") if row["pid"] == process.pid])[0]
        agent = self.nodes.agent("here")
        for pid in (row["supervisor_pid"], agent):
            own = environment(pid)
            self.assertFalse(own.keys() & strange.keys(), own)
            self.assertEqual(own["HOME"], self.nodes.env["HOME"])
        self.assertEqual({name: environment(process.pid).get(name) for name in strange}, strange)

    def test_without_room_for_another_process_it_runs_too(self):
        done = self.nodes.run("prlimit", "--nproc=0", "llrun", "/bin/echo", "alone")
        self.assertEqual((done.returncode, done.stdout), (0, "alone\n"))

    def test_attaching_is_refused_in_words(self):
        refused = lambda pid: self.nodes.run("llrun", "-p", str(pid))
        for pid, words in ((1, "belongs to another user"), (2 ** 22 + 1, "no such process")):
            done = refused(pid)
            self.assertEqual(done.returncode, 125)
            self.assertIn(words, done.stderr)
        ended = subprocess.Popen(["true"])
        wait_for("a zombie", lambda: open(f"/proc/{ended.pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1][1] == "Z")
        self.assertIn("ended already", refused(ended.pid).stderr)
        ended.wait()

    def test_attaching_reports_what_the_supervisor_says(self):
        process = self.nodes.start("sleep", "1000")
        done = self.nodes.run("llrun", "-p", str(process.pid))
        self.assertEqual((done.returncode, done.stderr), (0, f"fake supervisor of {process.pid}\n"))
        os.unlink(os.path.join(self.nodes.bin, "llrun-supervisor"))
        other = self.nodes.start("sleep", "1000")
        self.assertEqual(self.nodes.run("llrun", "-p", str(other.pid)).returncode, 125)


class JobControlTest(unittest.TestCase):
    """From a shell on a real terminal."""

    def setUp(self):
        self.nodes = Nodes(BUILT, "name = here\n")
        self.addCleanup(self.nodes.__exit__)
        self.shell, self.master = pty.fork()
        if self.shell == 0:
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], dict(self.nodes.env, PS1="> ", TERM="dumb"))
        self.seen = ""
        self.addCleanup(self.end)

    def end(self):
        os.kill(self.shell, signal.SIGKILL)
        os.waitpid(self.shell, 0)
        os.close(self.master)

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern):
        def look():
            if select.select([self.master], [], [], 0)[0]:
                self.seen += os.read(self.master, 4096).decode()
            return re.search(pattern, self.seen)
        found = wait_for(f"{pattern} in {self.seen}", look)
        self.seen = self.seen[found.end():]
        return found

    def test_the_shells_job_is_the_program(self):
        self.type("llrun sleep 1000 & echo id=$!\n")
        pid = int(self.expect(r"id=(\d+)\r")[1])
        comm = lambda: open(f"/proc/{pid}/comm", encoding="utf-8").read()
        wait_for("sleep", lambda: comm() == "sleep\n")
        self.type("kill %1; wait %1; echo status=$?\n")
        self.expect(r"status=143\r")

    def test_stop_and_continue_and_interrupt(self):
        # No child of the shell's: one stopped between vfork and exec would keep its parent from stopping.
        self.type("llrun sh -c 'echo run''ning; read line'\n")
        self.expect("running\r")
        self.type("\x1a")
        self.expect(r"Stopped[^\n]*\n")
        self.type("fg\n")
        wait_for("the program in the foreground", lambda: os.tcgetpgrp(self.master) != self.shell)
        self.type("\x03")
        wait_for("the shell in the foreground", lambda: os.tcgetpgrp(self.master) == self.shell)
        self.expect(r"\^C\r\n> ")
        self.type("echo status=$?\n")
        self.expect(r"status=130\r")


class PrivilegeTest(unittest.TestCase):
    """A set-id program started by llrun gets its privilege. Needs root to make one."""

    def test_set_id_programs_keep_their_privilege(self):
        if os.getuid() != 0:
            self.skipTest("only root can make a set-id program for another user")
        nodes = Nodes(BUILT, "")
        self.addCleanup(nodes.__exit__)
        os.chmod(nodes.top, 0o755)
        os.chmod(nodes.bin, 0o755)
        program = os.path.join(nodes.bin, "who-am-i")
        subprocess.run(["cp", "/usr/bin/id", program], check=True)
        os.chmod(program, 0o4755)
        self.assertTrue(os.stat(program).st_mode & stat.S_ISUID)
        for name in ("run/user/64123", "tmp", "state", "home"):
            os.chown(os.path.join(nodes.top, name), 64123, 64123)
        ordinary = ["setpriv", "--reuid=64123", "--regid=64123", "--clear-groups"]
        done = nodes.run(*ordinary, os.path.join(nodes.bin, "llrun"), program, "-u")
        self.assertEqual(done.stdout, "0\n", done.stderr)


if __name__ == "__main__":
    privilege = unittest.TextTestRunner(verbosity=2).run(unittest.TestLoader().loadTestsFromTestCase(PrivilegeTest))
    become_ordinary()
    del PrivilegeTest
    if not privilege.wasSuccessful():
        sys.exit(1)
    unittest.main(verbosity=2)
