#!/usr/bin/python3 -B
"""Programs that end, are killed or execute another program at each step of a journey: their parent is told exactly what
it would have been told without llrun, and nothing of them is left.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case, waiting  # noqa: E402

CROWDED = "/opt/llrun/bin/crowded"
# How it ends, by which signal or by its own doing, and the status that a shell shows.
ENDS = (("waits", "KILL", 137), ("waits", "TERM", 143), ("handles", "TERM", 7), ("exits", None, 7), ("execs", None, 7),
        ("other-execs", None, 7), ("main-only", None, 7))


class Ending(case.ProductCase):
    """One program for each way to end, all in the same step."""
    THREADS = 3
    SETTINGS = "lease = 30s\n"

    def setUp(self):
        super().setUp()
        self.product.allow_holds()
        self.jobs = []
        for number, (how, number_of_signal, status) in enumerate(ENDS):
            job = self.start([CROWDED, str(self.THREADS), how, f"go-{number}"], directory=self.a.home)
            job.output.wait_for(case.pattern("ready\n"))
            self.jobs.append((job, f"go-{number}", number_of_signal, status))
        for job, *_ in self.jobs:
            self.product.known(job.pid)

    def ask_all(self, *words):
        """`llrunctl VERB PID …` for all of them; the answers come when they are on their way, or with their end."""
        for job, *_ in self.jobs:
            asking = self.a.popen(["llrunctl", words[0], str(job.pid), *words[1:]], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            self.addCleanup(asking.communicate)

    def hold_all(self, host, point, ask):
        """Does `ask` and waits until all are held at `point`."""
        name = f"held at {point.partition('-')[2]}\n"
        before = self.product.log(host).count(name)
        held = self.product.hold(host, point)
        ask()
        waiting.until(lambda: self.product.log(host).count(name) >= before + len(self.jobs),
                      lambda: f"all to be held at {point}:\n{self.product.log(host)[-3000:]}", pause=waiting.LONG_PAUSE_S)
        return held

    def go_all(self):
        self.ask_all("migrate", "b")
        for job, *_ in self.jobs:
            self.product.arrive(job.pid, "b")

    def tell_all_to_end(self):
        for job, file, signal, _ in self.jobs:
            if signal:
                self.a.run(["kill", f"-{signal}", str(job.pid)])
            self.a.write(file, "")
            self.a.write(f"{file}.then", "")

    def assert_all_have_ended(self):
        for (job, _, _, status), (how, signal, _) in zip(self.jobs, ENDS):
            self.assertEqual(job.wait(), status, f"{how} {signal}\n{self.product.log()[-3000:]}")
        for host in (self.a, self.b):
            waiting.until(lambda: not host.run(["pgrep", "-x", "crowded"], check=False).stdout,
                          f"nothing to be left on {host.name}")

    def end_while_held(self, host, point, ask):
        held = self.hold_all(host, point, ask)
        self.tell_all_to_end()
        held.let_go()
        self.assert_all_have_ended()

    def leave(self):
        self.ask_all("migrate", "b")

    def come_home(self):
        for job, *_ in self.jobs:
            self.product.must("home", job.pid)


class Leaving(Ending):
    def test_before_anything_is_stopped(self):
        self.end_while_held(self.a, "home-Freezing", self.leave)

    def test_frozen(self):
        self.end_while_held(self.a, "home-Transferring", self.leave)

    def test_the_image_is_over_there(self):
        self.end_while_held(self.b, "guest-PagesEnd", self.leave)

    def test_committing(self):
        self.end_while_held(self.a, "home-Committing", self.leave)

    def test_home_has_given_up(self):
        self.end_while_held(self.b, "guest-GivenUp", self.leave)

    def test_the_move_is_called_off_at_that_moment(self):
        held = self.hold_all(self.a, "home-Transferring", self.leave)
        self.come_home()
        held.let_go()
        self.tell_all_to_end()
        self.assert_all_have_ended()


class Away(Ending):
    def test_away(self):
        self.go_all()
        self.tell_all_to_end()
        self.assert_all_have_ended()


class Returning(Ending):
    def setUp(self):
        super().setUp()
        self.go_all()

    def test_stopped_over_there(self):
        self.end_while_held(self.b, "guest-Leaving", self.come_home)

    def test_before_the_shadow_is_filled(self):
        self.end_while_held(self.a, "home-HomeImage", self.come_home)

    def test_the_shadow_is_filled(self):
        self.end_while_held(self.a, "home-PagesEnd", self.come_home)

    def test_home_again(self):
        self.come_home()
        for job, *_ in self.jobs:
            self.product.arrive(job.pid, "a")
        self.tell_all_to_end()
        self.assert_all_have_ended()


class LookedAt(Ending):
    def test_while_its_stacks_are_read(self):
        lookers = [self.a.popen(["bash", "-c", f"for i in $(seq 40); do llrunctl stack {job.pid}; done"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for job, *_ in self.jobs]
        for looker in lookers:
            self.addCleanup(looker.wait)
        self.tell_all_to_end()
        self.assert_all_have_ended()


# Each step with the other numbers of threads.
for _threads in (1, 60):
    for _case in (Leaving, Away, Returning, LookedAt):
        _name = f"{_case.__name__}With{_threads}"
        globals()[_name] = type(_name, (_case,), {"THREADS": _threads, "__module__": __name__})
del _case


if __name__ == "__main__":
    case.main()
