#!/usr/bin/python3 -B
"""What it costs to have programs watched that nothing ever moves: one test host, no other node.

usage: watching.py OUTPUT.json [NAME…]     figures, ratios to the bare program and the project's goals;
                                           only the named ones of: sleepers pool make true
CPU times are those of the host's control group: nothing that runs there for longer or shorter can hide in them.
"""
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(_HERE, "../cluster"))
from hosts.cluster import Cluster, HostSpec  # noqa: E402
from scenario import waiting  # noqa: E402
from scenario.product import Product  # noqa: E402

SCALE = float(os.environ.get("LLRUN_BENCH_SCALE", 1))  # of the repetitions: less for a first look
CORES = 0.6
SLEEPERS = (0, 20, 60, 200)
SETTLE_S = 36   # the pauses between two measures of a sleeper have grown to their longest by then
WINDOW_S = 32   # and this is the longest
PAIRS = {"pool": 15, "make": 9}
BARE_S = 5
TRUES, BATCHES = 20, 5

POOL = """
import multiprocessing
def work(_):
    return sum(i * i for i in range(2_000_000))
if __name__ == "__main__":
    with multiprocessing.Pool(3) as pool:
        pool.map(work, range(50), chunksize=1)
"""
MAKEFILE = """
objects := $(shell seq -f made/%g.o 100)
all: $(objects)
made/%.o: small.c
\t@cc -O1 -DNUMBER=$* -c -o $@ small.c
"""
SMALL = "int number(int at) { int sum = NUMBER; for (int i = 0; i < at; ++i) sum += i * at; return sum; }\n"
# Runs, for each line of JSON that it reads, a command some times, and prints what that took in seconds.
RUNNER = """
import json, subprocess, sys, time
print("ready", flush=True)
for line in sys.stdin:
    command, times = json.loads(line)
    start = time.monotonic()
    for _ in range(times):
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    print(time.monotonic() - start, flush=True)
"""
SLEEP = 'for i in $(seq "$0"); do setsid "$@" sleep 1000 </dev/null >/dev/null 2>&1 & done'


def repetitions(count):
    return max(3, round(count * SCALE))


class Runner:
    """Runs commands on the host from within, one after the other, so that entering the host is not measured."""

    def __init__(self, host):
        self.host = host
        self.process = host.popen(["python3", "-u", "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def turn(self, command, times=1):
        """(wall, CPU) seconds. What stays behind for a while is waited for, and counts as CPU time."""
        there, before = self.processes(), self.host.limits.cpu_seconds()
        self.process.stdin.write(json.dumps([command, times]) + "\n")
        self.process.stdin.flush()
        wall = float(self.process.stdout.readline())
        waiting.until(lambda: self.processes() <= there, "what the command has left behind to end", pause=0.1)
        return wall, self.host.limits.cpu_seconds() - before

    def processes(self):
        with open(f"{self.host.limits.directories['pids']}/cgroup.procs") as file:
            return len(file.readlines())


class Bench:
    def __init__(self):
        self.results = []

    def add(self, name, value, unit="", goal=None, **more):
        self.results.append({"name": name, "value": value, "unit": unit, "goal": goal, **more})
        verdict = "" if goal is None else f"goal {goal:g}: {'met' if value <= goal else 'MISSED'}"
        print(f"{name:58} {value:10.4f} {unit:6} {verdict}", flush=True)

    # --- programs that sleep ------------------------------------------------------------------------------

    def sleepers(self):
        for count in SLEEPERS:
            with _host() as cluster:
                self.sleeping(cluster, count)

    def sleeping(self, cluster, count):
        """In all: what the agent and the supervisors use beside programs that use nothing, less what the host does
        anyway."""
        host = cluster["a"]
        host.run(["bash", "-c", SLEEP, str(count)])
        time.sleep(BARE_S)
        bare = self.used(host, BARE_S)
        host.run(["pkill", "sleep"], check=False)
        product = _start_agent(cluster)
        host.run(["bash", "-c", SLEEP, str(count), "llrun"])
        waiting.until(lambda: len(product.json("ps")) >= count, f"{count} programs to be known", pause=1)
        time.sleep(SETTLE_S)
        under = self.used(host, WINDOW_S)
        self.add(f"{count} sleeping programs, of a core", 100 * (under - bare), "%", 2 if count == SLEEPERS[-1] else None,
                 bare_percent=100 * bare)

    @staticmethod
    def used(host, seconds):
        """In cores."""
        start, before = time.monotonic(), host.limits.cpu_seconds()
        time.sleep(seconds)
        return (host.limits.cpu_seconds() - before) / (time.monotonic() - start)

    # --- programs that work -------------------------------------------------------------------------------

    def pool(self):
        with _host(CORES) as cluster:
            cluster["a"].write("pool.py", POOL)
            self.compare(cluster, "a python pool of 3 workers", ["python3", "pool.py"], repetitions(PAIRS["pool"]), 1.01)

    def make(self):
        with _host(CORES) as cluster:
            for name, text in (("Makefile", MAKEFILE), ("small.c", SMALL), ("made/nothing", "")):
                cluster["a"].write(name, text)
            self.compare(cluster, "make -j6", ["make", "-s", "-B", "-j6"], repetitions(PAIRS["make"]), 1.03)

    def compare(self, cluster, name, command, pairs, goal):
        """Medians over pairs of turns: what else the machine does falls on both alike. Every other pair is turned round."""
        _start_agent(cluster)
        runner, turns = Runner(cluster["a"]), []
        both = (command, ["llrun", *command])
        for one in both:
            runner.turn(one)
        for number in range(pairs):
            order = (0, 1) if number % 2 == 0 else (1, 0)
            taken = {which: runner.turn(both[which]) for which in order}
            turns.append((taken[0], taken[1]))
        for at, kind in ((0, "wall time"), (1, "CPU time")):
            ratios = [under[at] / bare[at] for bare, under in turns]
            low, middle, high = statistics.quantiles(ratios, n=4)
            self.add(f"{name}, ratio of {kind}", middle, "", goal, quartiles=[low, high], pairs=pairs,
                     bare_s=statistics.median(bare[at] for bare, _ in turns),
                     under_s=statistics.median(under[at] for _, under in turns))

    # --- programs that end at once ------------------------------------------------------------------------

    def true(self):
        with _host() as cluster:
            _start_agent(cluster)
            runner, turns = Runner(cluster["a"]), []
            for command in (["true"], ["llrun", "true"]):
                runner.turn(command)
            for _ in range(repetitions(BATCHES)):
                turns.append([runner.turn(command, TRUES) for command in (["true"], ["llrun", "true"])])
        for at, kind, goal in ((1, "CPU time", 5), (0, "wall time", None)):
            bare, under = ([turn[which][at] * 1000 / TRUES for turn in turns] for which in (0, 1))
            self.add(f"llrun true, {kind} a run", statistics.median(under), "ms", goal, true_ms=statistics.median(bare))


@contextlib.contextmanager
def _host(cores=None):
    with Cluster([HostSpec("a", has_programs=True, cores=cores)]) as cluster:
        cluster["a"].limits.prefer()
        yield cluster


def _start_agent(cluster):
    """Not as tests do it: what they have the product look for, slow tasks, costs more than what is measured here."""
    product = Product(cluster)
    product.write_conf()
    product.must("nodes")
    return product


def main(path, names):
    bench = Bench()
    for name in names or ("sleepers", "pool", "make", "true"):
        getattr(bench, name)()
    revision = subprocess.run(["git", "-C", _HERE, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    with open(path, "w") as file:
        json.dump({"schema": 1, "revision": revision, "kernel": os.uname().release, "cpus": os.cpu_count(),
                   "machine_load": os.getloadavg()[0], "results": bench.results}, file, indent=1)
    print(f"the machine's load average at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
