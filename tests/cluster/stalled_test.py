#!/usr/bin/python3 -B
"""A filesystem of home's that does not answer: only who asked it waits, and what has to wait for that is put off."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case, faults, waiting  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
ROUNDS = 60  # of at least a tenth of a second: twice the lease


class Stalled(case.ProductCase):
    SETTINGS = "lease = 3s\nabandon = 30s\n"

    def setUp(self):
        super().setUp()
        self.filesystem = faults.StallingFilesystem(self.a)
        self.addCleanup(self.filesystem.end)
        self.a.put(f"{GUESTS}/opener.py", "opener.py")

    def start_beside_it(self, words):
        """What waits for the filesystem ends before the job is waited for."""
        self.job = self.start(words)
        self.addCleanup(self.filesystem.go_on)

    def away(self, threads, *words):
        """A guest whose threads are about to open a file of a filesystem that has stalled."""
        self.start_beside_it(["./opener.py", self.filesystem.file, str(threads), *words])
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(self.job.pid, "b")
        self.filesystem.stall()
        self.a.write("begin", "")
        self.job.output.wait_for(case.pattern("opening\n"))

    def rounds(self, count):
        for _ in range(count):
            self.job.output.wait_for(case.pattern(r"round \d+\n"))

    def finish(self, threads):
        self.filesystem.go_on()
        for _ in range(threads):
            self.job.output.wait_for(case.pattern("read at last\n"))
        self.a.write("enough", "")
        self.assertEqual(self.job.wait(), 0, self.job.err)
        self.assertNotIn("FAILED", self.job.out.decode())
        self.assertNotIn("--LeaseOver-->", self.product.log(self.b))

    def test_only_the_thread_that_asked_waits(self):
        self.away(1)
        self.rounds(ROUNDS)
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.finish(1)

    def test_more_threads_than_the_server_has(self):
        self.away(24)
        self.rounds(ROUNDS)
        self.finish(24)

    def test_a_call_that_waits_until_it_can_be_done_at_home(self):
        self.away(1, "flock")
        self.a.write("lock-now", "")
        self.job.output.wait_for(case.pattern("locking\n"))
        self.product.wait_for_log("cannot come home yet: it waits for a file of home's")
        self.assertIn("it waits for a file of home's", self.product.why(self.job.pid))
        self.rounds(ROUNDS // 2)  # the others go on meanwhile
        self.assertNotIn("LOCKED", self.job.output.text.decode())
        self.filesystem.go_on()
        self.job.output.wait_for(case.pattern("(?s)locked\n"))
        self.finish(0)
        self.assertNotIn("NOT LOCKED", self.job.out.decode())
        # Tried with growing pauses, not again and again.
        self.assertLess(self.product.log(self.b).count("Settled --Leave--> Leaving"), 10)

    def test_a_program_at_home_with_a_file_of_it_open(self):
        self.start_beside_it(["sh", "-c", "exec 3<$0; echo ready; exec sleep 600", self.filesystem.file])
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.known(self.job.pid)
        self.filesystem.stall()
        self.product.let_decide(5)
        self.product.why(self.job.pid)
        self.filesystem.go_on()
        self.a.run(["kill", str(self.job.pid)])
        self.assertEqual(self.job.wait(), 128 + signal.SIGTERM)


    def test_a_program_that_would_leave_with_a_file_of_it_open(self):
        """It goes on at home, within the lease, and nobody thinks it lost."""
        counts = "import itertools, sys, time\nfile = open(sys.argv[1])\n" \
                 "for number in itertools.count(1): print('round', number, flush=True); time.sleep(0.1)"
        self.start_beside_it(["python3", "-c", counts, self.filesystem.file])
        self.rounds(1)
        self.product.known(self.job.pid)
        self.filesystem.stall()
        refused = self.product.ctl("migrate", self.job.pid, "b")
        self.assertNotEqual(refused.returncode, 0, refused)
        self.assertIn("failed in Transferring", refused.stdout + refused.stderr)
        self.rounds(ROUNDS)
        self.assertEqual(self.product.where(self.job.pid), "a")
        self.filesystem.go_on()
        self.product.migrate(self.job.pid, "b")
        self.rounds(10)


class StalledRule(case.ProductCase):
    """What [view] hides lies where nobody answers."""
    SETTINGS = "[view]\nhide = /mnt/stalling/slow\n"

    def test_only_the_move_waits(self):
        filesystem = faults.StallingFilesystem(self.a)
        self.addCleanup(filesystem.end)
        job = self.start(["cat"], piped=True)
        self.product.known(job.pid)
        filesystem.stall()
        self.addCleanup(filesystem.go_on)
        asked = self.a.popen(["llrunctl", "migrate", str(job.pid), "b"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(asked.communicate)
        waiting.until(lambda: "it is on its way to b" in self.product.why(job.pid), "its move to begin")
        self.product.let_decide(3)
        self.assertIn("it is on its way to b", self.product.why(job.pid))
        job.feed(b"still here\n")
        job.output.wait_for(case.pattern("still here\n"))
        self.assertEqual(self.product.moves(job.pid), 0)
        filesystem.go_on()
        self.product.arrive(job.pid, "b")
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)


class ManyCalls(case.ProductCase):
    """More threads wait in calls that home makes for them than it has room for at first."""
    INPUTS, THREADS = 6, 20  # of each input
    READER = """
import os, sys, threading
threads, names = int(sys.argv[1]), sys.argv[2:]
inputs = [os.open(name, os.O_RDONLY) for name in names]
def read(number):
    os.write(1, f"from {number} {os.read(inputs[number], 1)}\\n".encode())
readers = [threading.Thread(target=read, args=(number,)) for number in range(len(names)) for _ in range(threads)]
print("ready", flush=True)
sys.stdin.readline()
for reader in readers: reader.start()
print("reading", flush=True)
for reader in readers: reader.join()
print("end", flush=True)
"""

    def test_more_than_a_hundred_reads(self):
        names = [f"in{number}" for number in range(self.INPUTS)]
        self.a.run(["mkfifo", *names])
        # Readers and writers of a FIFO wait for each other's opens: the writers are opened for both.
        writers = [os.open(self.a.path(name), os.O_RDWR | os.O_CLOEXEC) for name in names]
        for writer in writers:
            self.addCleanup(os.close, writer)
        job = self.start(["python3", "-c", self.READER, str(self.THREADS), *names], piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        job.feed(b"\n")
        job.output.wait_for(case.pattern("reading\n"))
        # Those that came last get theirs first: none waits for another to end.
        for number in reversed(range(self.INPUTS)):
            os.write(writers[number], b"x" * self.THREADS)
            for _ in range(self.THREADS):
                job.output.wait_for(case.pattern(f"from {number} b'x'\n"))
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)


if __name__ == "__main__":
    case.main()
