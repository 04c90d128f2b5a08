#!/usr/bin/python3 -B
"""What a moved program writes and reads through a shell's redirections and pipes is as unmoved."""
import os
import random
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts import pause  # noqa: E402
from scenario import case, waiting  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
LLRUN = "llrun --stay --"


class Shell(case.ProductCase):
    """Runs a bash script twice in directories of its own, once bare; in the other each `pid` that shows up moves."""

    def script(self, text, directory, run):
        self.a.put(f"{GUESTS}/talker.py", f"{directory}/talker.py")
        self.a.write(f"{directory}/list", "".join(f"item-{number}\n" for number in range(1, 5)))
        return self.a.popen(["bash", "-c", text], environment={"RUN": run}, directory=f"{self.a.home}/{directory}",
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def bare(self, text):
        process = self.script(text, "bare", "")
        self.a.write("bare/go", "")
        return self.finish(process)

    def finish(self, process):
        out, err = process.communicate(timeout=waiting.LIMIT_S)
        return process.returncode, out, err

    def moved(self, text, programs):
        """`programs`: how many talkers the script starts, one after the other; each moves and then is let go."""
        process = self.script(text, "moved", LLRUN)
        self.addCleanup(process.kill)
        for _ in range(programs):
            waiting.until(lambda: self.a.exists("moved/pid"), "a program to print its first half")
            pid = int(self.a.read("moved/pid"))
            os.unlink(self.a.path("moved/pid"))
            self.product.migrate(pid, "b")
            self.a.write("moved/go", "")
            waiting.until(lambda: not os.path.exists(self.a.path(f"/proc/{pid}")), f"program {pid} to end")
            os.unlink(self.a.path("moved/go"))
        return self.finish(process)

    def assert_same(self, text, programs, files=()):
        moved, bare = self.moved(text, programs), self.bare(text)
        self.assertEqual(moved, bare)
        for name in files:
            self.assertEqual(self.a.read(f"moved/{name}"), self.a.read(f"bare/{name}"), name)

    def test_a_group_shares_one_output_file(self):
        self.assert_same("{ $RUN ./talker.py a; echo b; $RUN ./talker.py c; echo d; } >out 2>err", 2, ("out", "err"))

    def test_output_is_appended(self):
        self.assert_same("echo before >out; $RUN ./talker.py a >>out; echo after >>out", 1, ("out",))

    def test_a_loop_reads_its_list_on(self):
        self.assert_same("while read l; do $RUN ./talker.py $l </dev/null; done <list >out", 4, ("out",))

    def test_a_loop_and_its_programs_share_the_list(self):
        """The talker reads from the very description that the loop reads on from, in the middle of the file."""
        self.assert_same("seq 100 >list; { read a; echo $a; $RUN ./talker.py x --read; cat; } <list >out", 1, ("out",))

    def test_what_a_program_does_not_read_is_left_to_the_next(self):
        self.assert_same("while read l; do $RUN ./talker.py $l; done <list >out; echo $? >>out", 4, ("out",))

    def test_exit_status_of_a_pipeline(self):
        self.assert_same("$RUN ./talker.py a --status 3 | cat >out; echo ${PIPESTATUS[@]} >status", 1, ("out", "status"))

    def test_error_output_joins_output(self):
        self.assert_same("{ $RUN ./talker.py a; ls /nowhere; } >out 2>&1; true", 1, ("out",))


# Reads numbers a byte at a time while a timer rings all the time.
ALARMED = """
import os, signal, sys
signal.signal(signal.SIGALRM, lambda number, frame: None)
print("ready", flush=True)
os.read(0, len("go\\n"))
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
total = int(sys.argv[1])
for wanted in range(total):
    came = os.read(0, 1)
    if came != b"%d" % (wanted % 10): sys.exit(f"byte {wanted} came as {came}")
signal.setitimer(signal.ITIMER_REAL, 0)
print("all", total, flush=True)
"""


# Says each number that comes, byte by byte, and ends when another does than the next.
COUNTS_LINES = """#!/bin/sh
echo ready
next=1
while read -r number; do
    [ "$number" = "$next" ] || exit 5
    echo "$number"
    next=$((next + 1))
done
"""


class Alarmed(case.ProductCase):
    """A signal that comes with the answer of a read: what was read at home is neither lost nor read twice."""
    BYTES = 5000

    def test_no_byte_is_lost(self):
        job = self.start(["python3", "-c", ALARMED, str(self.BYTES)], piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        job.feed(b"go\n" + b"0123456789" * (self.BYTES // 10))
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)
        self.assertTrue(job.out.endswith(f"all {self.BYTES}\n".encode()), job.out)


class StandsStill(case.ProductCase):
    """A thread of a host that stood still, as when it sleeps, makes the call again that home is making for it: it is one call."""

    def test_no_byte_is_lost(self):
        self.a.write("counts-lines", COUNTS_LINES)
        self.a.run(["chmod", "755", "counts-lines"])
        job = self.start(["./counts-lines"], piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        for number in range(1, 31):
            with pause.Pause(self.b):
                pass
            job.feed(b"%d\n" % number)
            job.output.wait_for(case.pattern(f"{number}\n"))
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)
        self.assertEqual(job.out.decode().split()[1:], [str(number) for number in range(1, 31)])
        self.assertNotIn("not free at home", self.product.log())


class Compression(case.ProductCase):
    BLOCKS = 12  # MiB

    def test_xz_from_a_pipe_to_a_pipe(self):
        """Half of the input goes in at home and half when it is away; its threads come and go meanwhile."""
        words = ["xz", "-T2", "-2", "--block-size=1MiB", "-c"]
        generator = random.Random(1)
        pieces = [(generator.randbytes(3000) * 350)[:1 << 20] for _ in range(self.BLOCKS)]
        expected = subprocess.run(words, input=b"".join(pieces), capture_output=True, check=True).stdout
        # A FIFO, since every process between here and there would hold a pipe's read end, too.
        self.a.shell("mkfifo in")
        job = self.start(["sh", "-c", 'exec "$@" <in', "sh", *words])
        source = open(self.a.path("in"), "wb")
        collector = threading.Thread(target=job.output.wait_for_end)
        collector.start()
        self.feed(source, pieces[:self.BLOCKS // 2])
        self.product.migrate(job.pid, "b")
        self.feed(source, pieces[self.BLOCKS // 2:])
        source.close()
        self.assertEqual(job.wait(), 0, job.err)
        collector.join()
        self.assertEqual(job.out, expected)

    @staticmethod
    def feed(source, pieces):
        for piece in pieces:
            source.write(piece)
        source.flush()


class Interpreter(case.ProductCase):
    JOURNEYS = 5

    def run_talker(self, directory, under_llrun, travel):
        self.a.put(f"{GUESTS}/talker.py", f"{directory}/talker.py")
        job = self.start(["./talker.py", "python", "--append", "log", "--journeys", str(2 * self.JOURNEYS)],
                         under_llrun=under_llrun, directory=f"{self.a.home}/{directory}")
        waiting.until(lambda: self.a.exists(f"{directory}/pid"), "the talker's first half")
        for number in range(1, 2 * self.JOURNEYS + 1):
            travel(job, number)
            self.a.write(f"{directory}/go.{number}", "")
        self.assertEqual(job.wait(), 0, job.err)
        return job.out, job.err, self.a.read(f"{directory}/log")

    def travel(self, job, number):
        if number % 2 == 1:
            self.product.migrate(job.pid, "b")
        else:
            self.product.bring_home(job.pid)

    def test_python_out_and_home_five_times(self):
        moved = self.run_talker("moved", True, self.travel)
        self.assertEqual(moved, self.run_talker("bare", False, lambda job, number: None))


if __name__ == "__main__":
    case.main()
