#!/usr/bin/python3 -B
"""What cannot be carried holds a program at home, is named with what would remove it, and is never noticed by it.

And programs whose privilege comes from their file get it under llrun as they would without.
"""
import os
import shutil
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case, product, waiting  # noqa: E402

# Each holds one thing that pins, tells "ready", computes until `enough` exists, uses the thing once more, and ends.
HOLDER = """
import ctypes, mmap, os, socket, sys
kind = sys.argv[1]
if kind == "socket":
    left, right = socket.socketpair()
    listener = socket.socket(socket.AF_UNIX); listener.bind("served.sock"); listener.listen()
    mine = socket.socket(socket.AF_UNIX); mine.connect("served.sock"); theirs, _ = listener.accept()
    use = lambda: (mine.send(b"x"), theirs.recv(1))[1] == b"x"
elif kind == "device":
    device = os.open("/dev/fuse", os.O_RDWR)
    use = lambda: os.fstat(device).st_rdev == os.makedev(10, 229)
elif kind == "io_uring":
    parameters = (ctypes.c_char * 120)()
    ring = ctypes.CDLL(None, use_errno=True).syscall(425, 8, parameters)
    use = lambda: ring >= 0 and "io_uring" in os.readlink(f"/proc/self/fd/{ring}")
elif kind == "shared":
    file = open("shared.memory", "r+b")
    area = mmap.mmap(file.fileno(), 4096)
    use = lambda: area[:8] == b"stranger"
else:
    use = lambda: True
print("ready", flush=True)
while not os.path.exists("enough"):
    sum(range(100000))
print("held" if use() else "LOST", flush=True)
"""
STRANGER = ('import mmap, time\nfile = open("shared.memory", "r+b")\narea = mmap.mmap(file.fileno(), 4096)\n'
            'area[:8] = b"stranger"\nprint("mapped", flush=True)\ntime.sleep(1000)\n')
CAP_NET_RAW = 13


class Pins(case.ProductCase):
    def hold(self, kind):
        job = self.start(["python3", "-c", HOLDER, kind])
        job.output.wait_for(case.pattern("ready\n"))
        self.product.known(job.pid)
        return job

    def assert_pinned(self, job, *words):
        """`why` names it, `migrate` refuses with the same words, and the program goes on undisturbed at home."""
        reasons = waiting.until(lambda: self.product.why(job.pid).strip(), f"llrunctl why {job.pid} to say something")
        refusal = self.product.ctl("migrate", job.pid, "b")
        self.assertEqual(refusal.returncode, product.REFUSED, refusal)
        for word in words:
            self.assertIn(word.lower(), reasons.lower())
            self.assertIn(word.lower(), (refusal.stdout + refusal.stderr).lower())
        self.assertEqual(self.product.where(job.pid), "a")
        self.a.write("enough", "")
        self.assertEqual(job.wait(), 0, job.err)
        self.assertTrue(job.out.endswith(b"held\n"), job.out)

    def test_a_unix_socket(self):
        self.assert_pinned(self.hold("socket"), "unix socket", "served.sock")

    def test_a_device(self):
        self.assert_pinned(self.hold("device"), "/dev/fuse")

    def test_an_io_uring(self):
        self.assert_pinned(self.hold("io_uring"), "io_uring")

    def test_memory_shared_with_a_stranger(self):
        self.a.write("shared.memory", "\0" * 4096)
        stranger = self.a.popen(["python3", "-c", STRANGER], stdout=-1)
        self.addCleanup(stranger.communicate)
        self.addCleanup(self.a.run, ["pkill", "-f", "time.sleep.1000"], check=False)
        waiting.Output(stranger.stdout.fileno()).wait_for(case.pattern("mapped"))
        self.assert_pinned(self.hold("shared"), "shared.memory")

    def test_a_debugger(self):
        job = self.hold("nothing")
        debugger = self.a.popen(["strace", "-qq", "-e", "trace=none", "-p", str(job.pid)], stderr=-1)
        self.addCleanup(debugger.communicate)
        waiting.until(lambda: "TracerPid:\t0\n" not in self.a.read(f"/proc/{job.pid}/status"), "strace to attach")
        self.assert_pinned(job, "trace")

    def test_a_pipe_that_others_read_too(self):
        os.mkfifo(self.a.path("token"))
        os.chown(self.a.path("token"), self.a.uid, self.a.uid)
        script = ("exec 7<>token; python3 -c 'import time; time.sleep(1000)' & other=$!; "
                  'llrun --stay -- python3 -c "$0" nothing; status=$?; kill $other; exit $status')
        job = self.start(["bash", "-c", script, HOLDER], under_llrun=False)
        job.output.wait_for(case.pattern("ready\n"))
        job.pid = waiting.until(lambda: next((row["pid"] for row in self.product.json("ps")), None), "llrunctl ps")
        self.assert_pinned(job, "fifo", "token")


class Privilege(case.ProductCase):
    """sudo-like and ping-like programs, started by llrun itself and by a script that llrun started."""

    def put_privileged(self, source, name, mode=0o755, capability=None):
        """Copies a program into the host as root's, set-id or with a file capability (capabilities(7))."""
        target = self.a.path(name)
        shutil.copyfile(source, target)
        os.chown(target, 0, 0)
        os.chmod(target, mode)
        if capability is not None:
            os.setxattr(target, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << capability, 0, 0, 0))

    def both_ways(self, *words):
        """What it prints when llrun starts it, and when a script under llrun does."""
        direct = self.start(list(words))
        by_script = self.start(["sh", "-c", "true; " + " ".join(words) + "; true"])
        self.assertEqual((direct.wait(), by_script.wait()), (0, 0), direct.err + by_script.err)
        return direct.out.decode(), by_script.out.decode()

    def test_a_set_id_program(self):
        self.put_privileged("/usr/bin/id", "like-sudo", 0o4755)
        for said in self.both_ways("./like-sudo", "-u"):
            self.assertEqual(said.strip(), "0")

    def test_a_program_with_a_capability(self):
        self.put_privileged("/bin/cat", "like-ping", capability=CAP_NET_RAW)
        for said in self.both_ways("./like-ping", "/proc/self/status"):
            self.assertRegex(said, rf"CapEff:\s+{1 << CAP_NET_RAW:016x}\n")


if __name__ == "__main__":
    case.main()
