#!/usr/bin/python3 -B
"""A program that has directories open goes away and comes home with them, and what only home can do is done there."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case  # noqa: E402

GUEST = "/opt/llrun/bin/directories"
# Opens what its arguments name, in ways that lead through /proc and /dev and back, and says what it was given.
READS = """
import os, sys
os.mkdir("sub"); open("sub/file", "w").write("of home")
os.symlink("/proc/self/comm", "own-name"); os.symlink("/dev/null", "nothing")
print("ready", flush=True)
sys.stdin.readline()
proc = os.open("/proc", os.O_RDONLY)
sub = os.open("sub", os.O_RDONLY)
def read(path, at=None):
    with os.fdopen(os.open(path, os.O_RDONLY, dir_fd=at)) as file:
        return file.read(7).strip()
here = os.getcwd()
for path in ("//proc/self/comm", "/./proc/self/comm", "/proc/../proc/self/comm", "own-name", "/proc/thread-self/comm"):
    assert read(path) == "python3", (path, read(path))
assert read("self/comm", proc) == "python3"
for path in ("/proc/self/cwd/sub/file", "/proc/self/root" + here + "/sub/file", f"/proc/self/fd/{sub}/file",
             "/proc/.." + here + "/sub/file", "/dev/../" + here + "/sub/file", f"/dev/fd/{sub}/file"):
    assert read(path) == "of home", path
for path in ("/dev/./null", "//dev/null", "nothing"):
    assert read(path) == "", path
os.close(proc)
os.chdir("/proc")
assert read("self/comm") == "python3"
os.chdir(here)
print("all right", flush=True)
sys.stdin.readline()
"""
# A FIFO of home's is home's by whatever name it is opened.
FIFO = """
import os, sys
os.mkfifo("fifo")
print("ready", flush=True)
sys.stdin.readline()
fifo = os.open("/proc/../" + os.getcwd() + "/fifo", os.O_RDWR)
os.write(fifo, b"x"); print("through", os.read(fifo, 1).decode(), flush=True)
"""


class Directories(case.ProductCase):
    def begin(self, call):
        self.a.shell("mkdir -p d/gone; for n in $(seq -w 0 39); do : >d/$n; done")
        self.job = self.start([GUEST, call])
        self.job.output.wait_for(case.pattern("ready\n"))

    def look(self):
        self.a.run(["kill", "-USR1", str(self.job.pid)])
        self.job.output.wait_for(case.pattern("same\n"))

    def test_there_and_back_twice(self):
        self.begin("fork")
        self.look()
        for _ in range(2):
            self.product.migrate(self.job.pid, "b")
            self.look()
            self.a.run(["rmdir", "d/gone"], check=False)
            self.product.bring_home(self.job.pid)
            self.look()
            self.a.shell("test -e d/gone || mkdir d/gone")
            # A directory without a name stays where it is: docs/pins.md.
            if "removed" in self.product.why(self.job.pid):
                break
        self.end()

    def end(self):
        self.a.run(["kill", "-TERM", str(self.job.pid)])
        self.assertEqual(self.job.wait(), 0, self.job.out + self.job.err)
        self.assertIn(f"{self.job.command[-1]} ok\n".encode(), self.job.out)

    def away(self, call):
        """It makes the call while it is away."""
        self.begin(call)
        self.product.migrate(self.job.pid, "b")
        self.look()
        self.end()
        self.assertIn("home Away --HomeImage--> Returning", self.product.log())
        self.assertNotIn("--ReturnFailed-->", self.product.log())
        self.assertNotIn("--LeaveRefused-->", self.product.log(self.b))

    def test_fork(self):
        self.away("fork")

    def test_exec(self):
        self.away("exec")

    def test_socket(self):
        self.away("socket")

    def test_flock(self):
        self.away("flock")

    def test_memfd(self):
        self.away("memfd")


class Paths(case.ProductCase):
    def begin(self, script):
        self.job = self.start(["python3", "-c", script], piped=True)
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(self.job.pid, "b")
        self.job.feed(b"\n")

    def test_paths_that_lead_into_the_worlds_own_files_and_out_again(self):
        self.begin(READS)
        self.job.output.wait_for(case.pattern("all right\n"))
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.job.feed(b"\n")
        self.assert_ends()

    def assert_ends(self):
        self.job.close_input()
        self.assertEqual(self.job.wait(), 0, self.job.err)

    def test_a_fifo_by_a_name_that_begins_in_proc(self):
        self.begin(FIFO)
        self.job.output.wait_for(case.pattern("through x\n"))
        self.assert_ends()
        self.assertIn("it opens a FIFO", self.product.log(self.b))


if __name__ == "__main__":
    case.main()
