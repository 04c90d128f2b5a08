#!/usr/bin/python3 -B
"""Fault schedules: whatever fails at whatever point, a program runs exactly once to the right result, or ends with the node
that held it, and the log says so.

usage: schedules_test.py [--count N] [--seed FIRST] [--jobs N] [--long]
Each schedule prints its seed; --seed S --count 1 repeats it. --long: hosts and links are away for up to a minute.
"""
import argparse
import collections
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec, build_directory  # noqa: E402
from hosts.cluster import Cluster  # noqa: E402
from scenario import case, faults, schedules, suspends, transitions, waiting  # noqa: E402
from scenario.product import Product  # noqa: E402
from scenario.schedules import AWAY, ENDED, ENDING, FINISHED, RETURNING  # noqa: E402

SETTINGS = f"lease = {schedules.LEASE_S}s\nconfirm = {schedules.CONFIRM_S}s\n"
HELD_LIMIT_S = 30
FATE_LIMIT_S = 120


class Batch:
    """One schedule, carried out."""

    def __init__(self, cluster, product, schedule, expected, filesystem):
        self.filesystem = filesystem
        self.cluster, self.product, self.schedule, self.expected = cluster, product, schedule, expected
        self.jobs, self.asking = [], []
        self.held = None
        self.wrong = []

    def run(self):
        """Says in words what became wrong, and counts what became of the jobs."""
        try:
            self._start()
            self._bring_to_the_point()
            self._fail()
            self._finish()
        except (AssertionError, RuntimeError, subprocess.TimeoutExpired) as problem:
            self.wrong.append(f"{type(problem).__name__}: {problem}{self._refusals()}")
        finally:
            if self.held is not None:
                self.held.let_go()  # the next schedule's jobs would stop there
            for job in self.jobs:
                job.end()
            for asking in self.asking:
                asking.kill()
                asking.communicate()
        return self.wrong

    def _start(self):
        waiting.until(lambda: self.product.node_is_reachable("b"), "b to be reachable again")
        for index in range(len(self.schedule.kills)):
            stalls = self.schedule.wide == "filesystem of a"
            job = schedules.Job(self.product, f"s{self.schedule.seed}-{index}",
                                self.filesystem.file if stalls else os.devnull)
            self.jobs.append(job)
            job.feed(1, schedules.BEFORE)
        for job in self.jobs:
            waiting.until(lambda job=job: job.written() >= schedules.BEFORE, f"{job.name} to write its first lines")
            self.product.known(job.pid)

    def _ask(self, *words):
        self.asking += [self.cluster["a"].popen(["llrunctl", *(word or str(job.pid) for word in words)],
                                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                stderr=subprocess.PIPE, text=True) for job in self.jobs]

    def _refusals(self):
        """What was answered to those who asked in vain."""
        return "".join("; " + asking.stderr.read().strip() for asking in self.asking if asking.poll())

    def _hold(self):
        if self.schedule.point is not None:
            self.held = schedules.Held(self.product, self.cluster[self.schedule.host], self.schedule.point)

    def _bring_to_the_point(self):
        """All jobs at rest where the schedule wants them; what they do next is in their pipes."""
        late = self.schedule.phase in (RETURNING, ENDING) or self.schedule.point is None
        if not late:
            self._hold()
        self._ask("migrate", None, "b")
        if late:
            for job in self.jobs:
                waiting.until(lambda job=job: self.product.where(job.pid) == "b", f"{job.name} to run on b")
            self._hold()
        for job in self.jobs:
            job.feed(schedules.BEFORE + 1, schedules.BEFORE + 3)
        if self.schedule.phase == RETURNING:
            self._ask("home", None)
        if self.schedule.phase == ENDING:
            self._feed_the_rest()
        if self.held is not None:
            waiting.until(lambda: self.held.count() >= len(self.jobs), f"{len(self.jobs)} jobs to be held at "
                          f"{self.schedule.point}", HELD_LIMIT_S)

    def _feed_the_rest(self):
        for job in self.jobs:
            if job.feed_to is not None:
                job.feed(schedules.BEFORE + 4, schedules.LINES)
                job.close()

    def _fail(self):
        go_on = self.held is not None and self.schedule.lets_go_first
        if go_on:
            self.held.let_go()
        faults = schedules.Faults(self.cluster, self.jobs, self.held is not None and not go_on,
                                  self.schedule.phase == schedules.BEFORE_COMMIT, self.filesystem)
        try:
            if self.schedule.wide:
                faults.widely(self.schedule.wide, self.schedule.seconds)
            for job, kill in zip(self.jobs, self.schedule.kills):
                faults.kill(job, kill)
        finally:
            faults.undo()
            if self.held is not None:
                self.held.let_go()

    def _finish(self):
        self._feed_the_rest()
        deadline = time.monotonic() + FATE_LIMIT_S
        for job, kill in zip(self.jobs, self.schedule.kills):
            while job.status() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            fate = job.fate(self.expected)
            if fate not in schedules.allowed(self.schedule, kill):
                self.wrong.append(f"{job.name} ({job.pid}), {kill}: {fate}")
            elif fate == ENDED and kill not in ("program", "home supervisor"):
                self._check_log(job)
            COUNTS[(self.schedule.phase, self.schedule.wide or kill, fate if fate in (FINISHED, ENDED) else "WRONG")] += 1

    def _check_log(self, job):
        """Home says what it ended with, maybe a moment later."""
        waiting.until(lambda: any(f"({job.pid})" in line and ("was lost" in line or "was ended by signal 9" in line)
                                  for line in self.product.log().splitlines()),
                      f"the log to say why {job.name} ({job.pid}) ended", limit=10)


COUNTS = collections.Counter()


def expected_lines(ledger):
    """What the program writes where nothing moves it."""
    lines = "".join(f"{number}\n" for number in range(1, schedules.LINES + 1))
    done = subprocess.run([ledger, "/dev/null"], input=lines, capture_output=True, text=True)
    assert done.returncode == 7, done
    return done.stdout.splitlines()


def keep_logs(cluster, name):
    directory = f"{case.KEPT}/{name}"
    os.makedirs(directory, exist_ok=True)
    for host in cluster.hosts.values():
        with open(f"{directory}/{host.name}.log", "w") as file:
            file.write(host.run(["bash", "-c", case._GATHER], as_root=True, check=False,
                                environment={"HOME": host.home}).stdout)
    return directory


def print_table():
    print(f"\n{'phase':14} {'fault':22} finished  ended  wrong")
    for phase, fault in sorted({key[:2] for key in COUNTS}):
        row = [COUNTS[(phase, fault, fate)] for fate in (FINISHED, ENDED, "WRONG")]
        print(f"{phase:14} {fault:22} {row[0]:8} {row[1]:6} {row[2]:6}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--stop", action="store_true", help="at the first that goes wrong")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    ledger = os.environ.setdefault("LLRUN_LEDGER", f"{build_directory()}/bin/ledger")
    expected, failures = expected_lines(ledger), 0
    with Cluster((HostSpec("a", has_programs=True), HostSpec("b"))) as cluster:
        for host in cluster.hosts.values():
            suspends.prepare(host)  # in the directory of holds, which are looked for where it is
        filesystem = faults.StallingFilesystem(cluster["a"])
        product = Product(cluster, settings=SETTINGS).configure()
        schedules_done = 0
        seed = options.seed
        while schedules_done < options.count:
            schedule = schedules.choose(seed, options.jobs, schedules.LONG if options.long else schedules.SHORT)
            began = time.monotonic()
            wrong = Batch(cluster, product, schedule, expected, filesystem).run()
            print(f"{schedule}: {'WRONG ' + '; '.join(wrong) if wrong else 'right'} ({time.monotonic() - began:.1f} s)",
                  flush=True)
            if wrong:
                failures += 1
                print(f"  logs: {keep_logs(cluster, f'schedules/{seed}')}", flush=True)
                if options.stop:
                    break
            schedules_done += 1 if schedule.wide else options.jobs
            seed += 1
        problems = transitions.Checker(cluster, paused=True).check()
        print_table()
    for problem in problems:
        print("transition:", problem)
    print(f"{schedules_done} schedules, {failures} wrong batches, {len(problems)} wrong transitions")
    sys.exit(1 if failures or problems else 0)


if __name__ == "__main__":
    main()
