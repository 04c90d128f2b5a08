#!/usr/bin/python3 -B
"""Runs a self-checking program under every journey, on test hosts, and asks that it says PASS each time.

usage: journeys.py [--bare] PROGRAM…     --bare: only the journey that needs nothing of the product

A journey is injected between two steps of the program, or rather anywhere in one: which, is drawn from the names of
program and journey, printed, and can be set with LLRUN_TEST_AT. LLRUN_TEST_JOURNEY picks one journey.
"""
import os
import re
import subprocess
import sys
import threading
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../cluster"))
from hosts.cluster import THREE, Cluster, build_directory  # noqa: E402
from scenario import waiting  # noqa: E402
from scenario.product import Product  # noqa: E402

JOURNEYS = {
    "never moved": [],
    "moved once": ["b"],
    "moved twice": ["b", "c"],
    "there and home": ["b", "a"],
    "there and home, twice": ["b", "a", "c", "a"],
}
STEP = re.compile(rb"step \d+\n")
READS_INPUT = ("input",)
PROGRAMS = f"{build_directory()}/tests/programs/steps"


def chosen_step(program, journey):
    return int(os.environ.get("LLRUN_TEST_AT") or 2 + zlib.crc32(f"{program} {journey}".encode()) % 5)


class Run:
    """One program on one journey."""

    def __init__(self, cluster, product, program, journey, bare):
        self.product, self.program, self.journey = product, program, journey
        self.hops, self.at = JOURNEYS[journey], chosen_step(program, journey)
        self.directory = f"{cluster['a'].home}/{program}/{journey.replace(' ', '-')}"
        cluster["a"].put(f"{PROGRAMS}/{program}", f"{self.directory}/{program}")
        self.until = f"{self.directory}/until"
        command = [f"./{program}", "--steps", str(self.at + 4)] + (["--until", self.until] if self.hops else [])
        streams = {"stdin": subprocess.PIPE} if program in READS_INPUT else {}
        self.job = product.start(command, under_llrun=not bare, directory=self.directory,
                                 environment={"LLRUN_TEST_VARIABLE": "two words"}, **streams)
        self.feeder = threading.Thread(target=self._feed) if streams else None
        if self.feeder:
            self.feeder.start()

    def _feed(self):
        """Lines without end: the program ends first, and its pipe with it."""
        try:
            for number in range(1, 10_000_000):
                self.job.process.stdin.write(f"{number}\n".encode())
        except (BrokenPipeError, ValueError):
            pass

    def _steps(self, count):
        for _ in range(count):
            self.job.output.wait_for(STEP)

    def travel(self):
        """None, or what went wrong."""
        self._steps(self.at)
        for hop in self.hops:
            if hop == "a":
                self.product.bring_home(self.job.pid)
            else:
                self.product.migrate(self.job.pid, hop)
            self._steps(2)
        self.product.home.write(self.until, "")
        status = self.job.wait()
        said = self.job.out.decode(errors="replace")
        if status != 0 or not re.search(r"^PASS after \d+ steps\n\Z", said, re.MULTILINE):
            return f"exit status {status}; it said:\n{said[-1500:]}{self.job.err.decode(errors='replace')[-500:]}"
        return None

    def end(self):
        self.job.kill()
        if self.feeder:
            self.feeder.join()


def run_one(cluster, product, program, journey, bare):
    run = Run(cluster, product, program, journey, bare)
    try:
        problem = run.travel()
    except AssertionError as error:
        problem = str(error)
    finally:
        run.end()
    print(f"{'ok' if problem is None else 'FAILED'}: {program}, {journey}, at step {run.at}", flush=True)
    if problem is not None:
        build = f"LLRUN_TEST_BUILD={build_directory()} "
        print(f"{problem}\nto repeat: {build}LLRUN_TEST_AT={run.at} LLRUN_TEST_JOURNEY='{journey}' "
              f"{os.path.realpath(__file__)} {'--bare ' if bare else ''}{program}", flush=True)
    return problem is None


def keep_log(product):
    print("--- the log of home ends\n" + product.log()[-5000:], flush=True)


def main(words):
    bare = words[:1] == ["--bare"]
    programs = words[bare:]
    if not programs:
        sys.exit(__doc__)
    wanted = os.environ.get("LLRUN_TEST_JOURNEY")
    journeys = ["never moved"] if bare else [name for name in JOURNEYS if wanted in (None, "", name)]
    good = True
    with Cluster(THREE) as cluster:
        product = Product(cluster)
        if not bare:
            product.configure()
        for program in programs:
            for journey in journeys:
                good &= run_one(cluster, product, program, journey, bare)
        if not good and not bare:
            keep_log(product)
    return 0 if good and journeys else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
