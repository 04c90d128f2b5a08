"""A program that says round after round that its memory is the same, which something is done to: whatever that is, no
round is missing or told twice (guests/ballast.py)."""
import os
import subprocess

from . import case, faults, waiting

GUESTS = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "guests")


class BallastCase(case.ProductCase):
    PROGRAM = ["./ballast.py", "8"]

    def prepare(self):
        """Before the program starts."""

    def setUp(self):
        super().setUp()
        self.product.allow_holds()
        self.prepare()
        self.a.put(f"{GUESTS}/ballast.py", "ballast.py")
        self.job = self.start(self.PROGRAM)
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.known(self.job.pid)

    def wait_for_log(self, host, text):
        waiting.until(lambda: text in self.product.log(host),
                      f"{text!r} in the log of {host.name}:\n{self.product.log(host)[-3000:]}")

    def assert_goes_on(self):
        for _ in range(3):
            self.job.output.wait_for(case.pattern(r"round \d+ same\n"))

    def assert_complete(self):
        self.a.write("enough", "")
        self.assertEqual(self.job.wait(), 0, self.job.err)
        self.assert_nothing_doubled(["end"])
        faults.wait_until_nothing_is_left(self.b)

    def assert_nothing_doubled(self, last=()):
        rounds = self.job.out.decode().splitlines()
        count = len(rounds) - 1 - len(last)
        self.assertEqual(rounds, ["ready"] + [f"round {number} same" for number in range(1, count + 1)] + list(last))


def start_to_move(test, job):
    """Does not wait for the move, which is going to be held."""
    asking = test.a.popen(["llrunctl", "migrate", str(job.pid), "b"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    test.addCleanup(asking.wait)
    test.addCleanup(asking.kill)
