#!/usr/bin/python3 -B
"""A program that is away has the parent that home gives it, hears of its death once, and takes signals as they were
sent."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts import pause  # noqa: E402
from scenario import case  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
SI_USER, SI_QUEUE = 0, -1
LOOKS_S = 0.5  # meanwhile the guest looks at its parent some five times
QUEUE = "import os, signal, ctypes; " \
        "print(os.getpid()); ctypes.CDLL(None).sigqueue({pid}, {number}, ctypes.c_void_p(4711))"


class Relatives(case.ProductCase):
    def setUp(self):
        super().setUp()
        self.a.put(f"{GUESTS}/relative.py", "relative.py")
        self.job = self.start(["./relative.py", "household"], under_llrun=False)
        told = self.wait_for(r"household (\d+) (\d+) (\d+)\n")
        self.reaper, self.parent, self.guest = (int(number) for number in told.groups())
        self.addCleanup(self.kill, 9, self.guest)
        self.wait_for("ready\n")

    def wait_for(self, text):
        return self.job.output.wait_for(case.pattern(text))

    def kill(self, number, pid):
        """By a shell of its own, whose id is the sender's."""
        return int(self.a.shell(f"echo $$; kill -{int(number)} {pid} || true"))

    def took(self, number, sender, parent, code=SI_USER):
        self.wait_for(rf"took {int(number)} {code} {sender} {parent}\n")

    def finish(self):
        self.a.write("enough", "")
        self.wait_for("end\n")
        # Nothing was told twice.
        self.assertEqual(self.job.output.text.count(f"took {int(signal.SIGUSR2)} ".encode()), self.parents_lost,
                         self.job.output.text)

    def test_a_parent_that_dies_while_it_is_away(self):
        self.product.migrate(self.guest, "b")
        self.parents_lost = 1
        self.kill(9, self.parent)
        self.wait_for(rf"took {int(signal.SIGUSR2)} {SI_USER} {self.parent} \d+\n")
        self.took(signal.SIGUSR1, self.kill(signal.SIGUSR1, self.guest), self.reaper)
        self.product.bring_home(self.guest)
        self.took(signal.SIGUSR1, self.kill(signal.SIGUSR1, self.guest), self.reaper)
        self.product.migrate(self.guest, "b")
        self.parents_lost = 2
        self.kill(9, self.reaper)
        self.wait_for("parent 1 signalled\n")
        self.took(signal.SIGUSR1, self.kill(signal.SIGUSR1, self.guest), 1)
        self.finish()

    def test_the_signal_of_a_parents_death_goes_ahead_of_its_news(self):
        """Home's kernel has sent it when the program gets another parent; the shadow takes it later if all are busy."""
        self.product.migrate(self.guest, "b")
        self.parents_lost = 1
        with pause.Starved(self.a, self.guest):
            self.kill(9, self.parent)
            self.a.shell(f"while kill -0 {self.parent}; do sleep 0.01; done 2>/dev/null")
            time.sleep(LOOKS_S)
        self.wait_for(f"parent {self.reaper} signalled\n")
        self.finish()

    def test_signals_are_taken_as_they_were_sent(self):
        self.product.migrate(self.guest, "b")
        self.parents_lost = 0
        for _ in range(3):
            self.took(signal.SIGUSR1, self.kill(signal.SIGUSR1, self.guest), self.parent)
        script = QUEUE.format(pid=self.guest, number=int(signal.SIGRTMIN))
        sender = int(self.a.run(["python3", "-c", script]).stdout)
        self.took(signal.SIGRTMIN, sender, self.parent, SI_QUEUE)
        self.finish()


if __name__ == "__main__":
    case.main()
