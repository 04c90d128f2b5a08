#!/usr/bin/python3 -B
"""Runs self-checking programs under every journey, on one set of test hosts, several side by side, and asks that each
says PASS each time.

usage: journeys.py [--bare] PROGRAM…     --bare: only the journey that needs nothing of the product

A journey is injected between two steps of the program, or rather anywhere in one: which, is drawn from the names of
program and journey, printed, and can be set with LLRUN_TEST_AT. LLRUN_TEST_JOURNEY picks one journey, and
LLRUN_TEST_AT_ONCE says how many go at the same time.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../cluster"))
from hosts.cluster import THREE, Cluster, build_directory  # noqa: E402
from scenario.product import Product, Refused  # noqa: E402

JOURNEYS = {
    "never moved": [],
    "moved once": ["b"],
    "moved twice": ["b", "c"],
    "there and home": ["b", "a"],
    "there and home, twice": ["b", "a", "c", "a"],
}
# One after another in the middle of the first step, whose waits outlast them: (hops, milliseconds a wait).
WITHIN_A_STEP = {"waits": {"three moves while it waits": (["b", "a", "b"], 15000),
                           "home and away while it waits": (["c", "a", "b", "a"], 20000)}}
STEP = re.compile(rb"step \d+\n")
VERDICT = re.compile(rb"^(PASS|FAIL).*\n", re.MULTILINE)
# Programs whose input is a pipe that they alone read, with numbered lines without end or with nothing in it.
READS_LINES, READS_NOTHING = ("input",), ("waits",)
PROGRAMS = f"{build_directory()}/tests/programs/steps"
# While one program travels or waits, another one computes.
AT_ONCE = int(os.environ.get("LLRUN_TEST_AT_ONCE") or 4)


def chosen_step(program, journey):
    return int(os.environ.get("LLRUN_TEST_AT") or 2 + zlib.crc32(f"{program} {journey}".encode()) % 5)


class Run:
    """One program on one journey."""

    def __init__(self, cluster, product, program, journey, bare):
        self.product = product
        within = WITHIN_A_STEP.get(program, {}).get(journey)
        self.hops, self.wait_ms = within or (JOURNEYS[journey], None)
        self.at, self.between = (1, 0) if within else (chosen_step(program, journey), 2)
        directory = f"{cluster['a'].home}/{program}/{journey.replace(' ', '-')}"
        cluster["a"].put(f"{PROGRAMS}/{program}", f"{directory}/{program}")
        self.until = f"{directory}/until"
        command = [f"./{program}", "--steps", str(self.at + (1 if within else 4))] + (["--until", self.until] if self.hops else [])
        self.job = product.start(command, under_llrun=not bare, directory=directory,
                                 piped=program in READS_LINES + READS_NOTHING,
                                 environment={"LLRUN_TEST_VARIABLE": "two words"} |
                                 ({"LLRUN_TEST_WAIT_MS": str(self.wait_ms)} if within else {}))
        self.feeder = threading.Thread(target=self._feed) if program in READS_LINES else None
        if self.feeder:
            self.feeder.start()

    def _feed(self):
        """The program ends first, and its pipe with it."""
        try:
            for number in range(1, 10_000_000):
                self.job.feed(f"{number}\n".encode())
        except (BrokenPipeError, ValueError):
            pass

    def _steps(self, count):
        for _ in range(count):
            self.job.output.wait_for(STEP)

    def _migrate(self, node):
        """A program that has a file of /proc open just then is refused: it is asked again, a step later."""
        for _ in range(20):
            try:
                return self.product.migrate(self.job.pid, node)
            except Refused as refused:
                if "process filesystem" not in str(refused):
                    raise
            self._steps(1)
        raise AssertionError("it was refused every time")

    def travel(self):
        """None, or what went wrong."""
        self._steps(self.at)
        for hop in self.hops:
            if hop == "a":
                self.product.bring_home(self.job.pid)
            else:
                self._migrate(hop)
            self._steps(self.between)
        self.product.home.write(self.until, "")
        self.job.output.wait_for(VERDICT)
        self._end_feeding()
        status = self.job.wait()
        said = self.job.out.decode(errors="replace")
        if status != 0 or not re.search(r"^PASS after \d+ steps\n\Z", said, re.MULTILINE):
            return self._ending(status)
        return None

    def _ending(self, status):
        said = self.job.out.decode(errors="replace")
        return f"exit status {status}; it said:\n{said[-1500:]}{self.job.err.decode(errors='replace')[-500:]}"

    def cut_short(self):
        """What it has said, when the journey came to nothing; it may have ended by itself."""
        self.product.home.run(["kill", "-KILL", str(self.job.pid)], check=False)
        return self._ending(self.job.wait())

    def _end_feeding(self):
        if self.feeder:
            self.feeder.join()
        self.job.close_input()

    def logged(self):
        """What home has logged of it."""
        about = re.compile(rf"\b{self.job.pid}\b")
        return "".join(f"{line}\n" for line in self.product.log().splitlines() if about.search(line))

    def end(self):
        self.job.kill()


def run_one(cluster, product, program, journey, bare):
    """Says how it went, and how to repeat what went wrong; whether all was well."""
    began = time.monotonic()
    run = Run(cluster, product, program, journey, bare)
    try:
        problem = run.travel()
    except (AssertionError, subprocess.TimeoutExpired) as error:
        problem = f"{error}\n{run.cut_short()}"
    finally:
        run.end()
    took = time.monotonic() - began
    words = f"{'ok' if problem is None else 'FAILED'}: {program}, {journey}, at step {run.at}, {took:.1f} s\n"
    if problem is not None:
        words += (f"{problem}\n{run.logged()}to repeat: LLRUN_TEST_BUILD={build_directory()} LLRUN_TEST_AT={run.at} "
                  f"LLRUN_TEST_JOURNEY='{journey}' {os.path.realpath(__file__)} {'--bare ' if bare else ''}{program}\n")
    print(words, end="", flush=True)
    return problem is None


def journeys_of(program, wanted):
    return [name for name in wanted if name in JOURNEYS or name in WITHIN_A_STEP.get(program, {})]


def run_all(programs, journeys, bare):
    """Whether all was well."""
    with Cluster(THREE) as cluster, concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        product = Product(cluster)
        if not bare:
            for host in cluster.hosts.values():  # programs of hundreds of threads are there beside each other
                product.write_conf(host, "[guests]\nprocesses = 0\n")
            product.configure()
        runs = [pool.submit(run_one, cluster, product, program, journey, bare)
                for program in programs for journey in journeys_of(program, journeys)]
        good = all([run.result() for run in runs])
        if not good and not bare:
            for name, host in cluster.hosts.items():
                print(f"--- the log of {name} ends\n{product.log(host)[-5000:]}", flush=True)
        return good


def main(words):
    bare = words[:1] == ["--bare"]
    programs = words[bare:]
    if not programs:
        sys.exit(__doc__)
    wanted = os.environ.get("LLRUN_TEST_JOURNEY")
    known = [*JOURNEYS, *(name for own in WITHIN_A_STEP.values() for name in own)]
    journeys = ["never moved"] if bare else [name for name in known if wanted in (None, "", name)]
    return 0 if journeys and run_all(programs, journeys, bare) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
