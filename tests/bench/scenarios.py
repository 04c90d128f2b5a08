#!/usr/bin/python3 -B
"""Scenario benchmarks on test hosts: what llrun costs beside the bare program, turn and turn about in the same run.

usage: scenarios.py OUTPUT.json [NAME…]    medians, ratios to the bare program and the project's goals;
                                           only the named ones of: home guest start freeze agent moves
"""
import json
import os
import re
import statistics
import subprocess
import sys
import time

_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(_HERE, "../cluster"))
from hosts.cluster import Cluster  # noqa: E402
from scenario import waiting  # noqa: E402
from scenario.product import Product  # noqa: E402

LOADS = "/opt/llrun/bin/bench_loads"
SCALE = float(os.environ.get("LLRUN_BENCH_SCALE", 1))  # of the repetitions: less for a first look
PAIRS = {"compute": 61, "calls": 61, "spawn": 21}  # each a tenth of a second or more
FREEZES = {1: 7, 64: 7, 1024: 3}  # MiB: repetitions
MOVERS = 16
IDLE_S = 20
LINE = re.compile(rb"([\d.]+) ([\d.]+)\n")

# Times `true` and `llrun true` in one process of the host, so that entering the host is not measured.
START_UP = """
import subprocess, time
for _ in range(101):
    for command in (["true"], ["llrun", "true"]):
        start = time.monotonic(); subprocess.run(command); print(time.monotonic() - start)
"""
# Pushes as many bytes through ssh as fast as it takes them, once both ends are up.
CHANNEL = """
import os, subprocess, sys, time
left = int(sys.argv[1]) << 20
piece = os.urandom(1 << 20)
far = subprocess.Popen(["ssh", "b", "/opt/llrun/bin/bench_loads swallow " + sys.argv[1]], stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE)
assert far.stdout.readline() == b"ready\\n"
start = time.monotonic()
while left > 0:
    left -= os.write(far.stdin.fileno(), piece[:left])
assert far.stdout.readline() == b"done\\n"
print(time.monotonic() - start)
"""
# Asks for all moves at once; prints the seconds until the last answer.
MOVE_ALL = """
import subprocess, sys, time
start = time.monotonic()
asked = [subprocess.Popen(["llrunctl", *sys.argv[1].replace("PID", pid).split()], stdout=subprocess.DEVNULL)
         for pid in sys.argv[2:]]
failed = [one.args for one in asked if one.wait() != 0]
print(time.monotonic() - start)
sys.exit(str(failed) if failed else 0)
"""


def repetitions(count):
    return max(3, round(count * SCALE))


class Worker:
    """A bench_loads that does its work once for each line it is sent."""

    def __init__(self, job):
        self.job = job

    def turn(self):
        """(wall, CPU) seconds of one round."""
        self.job.feed(b"\n")
        return tuple(map(float, self.job.output.wait_for(LINE).groups()))


class Bench:
    def __init__(self, cluster):
        self.cluster, self.product, self.results = cluster, Product(cluster).configure(), []

    def add(self, name, value, unit="", goal=None, **more):
        self.results.append({"name": name, "value": value, "unit": unit, "goal": goal, **more})
        verdict = "" if goal is None else f"goal {goal:g}: {'met' if value <= goal else 'MISSED'}"
        print(f"{name:58} {value:10.4f} {unit:6} {verdict}", flush=True)

    def worker(self, work, under_llrun):
        return Worker(self.product.start([LOADS, work], under_llrun=under_llrun, piped=True))

    def compare(self, name, bare, other, pairs, goal):
        """Medians over pairs of turns: what else the machine does falls on both alike."""
        for worker in (bare, other):
            worker.turn()
        turns = [(bare.turn(), other.turn()) for _ in range(pairs)]
        for at, kind, wanted in ((1, "CPU time", goal), (0, "wall time", None)):
            ratios = [after[at] / max(before[at], 1e-9) for before, after in turns]
            low, middle, high = statistics.quantiles(ratios, n=4)
            self.add(f"{name}, ratio of {kind}", middle, "", wanted, quartiles=[low, high], pairs=pairs,
                     bare_s=statistics.median(before[at] for before, _ in turns),
                     other_s=statistics.median(after[at] for _, after in turns))

    def home(self):
        for work, goal in (("compute", 1.005), ("calls", 1.01), ("spawn", 1.05)):
            bare, under = self.worker(work, False), self.worker(work, True)
            self.product.known(under.job.pid)
            self.compare(f"{work} at home", bare, under, repetitions(PAIRS[work]), goal)
            bare.job.kill()
            under.job.kill()

    def guest(self):
        for work, goal in (("compute", 1.30), ("calls", 1.30)):
            bare, guest = self.worker(work, False), self.worker(work, True)
            self.product.migrate(guest.job.pid, "b")
            self.compare(f"{work} as a guest", bare, guest, repetitions(PAIRS[work]), goal)
            bare.job.kill()
            guest.job.kill()

    def start(self):
        times = list(map(float, self.cluster["a"].run(["python3", "-c", START_UP], timeout=600).stdout.split()))
        pairs = list(zip(times[::2], times[1::2]))
        self.add("llrun true, more than true", 1000 * statistics.median(two - one for one, two in pairs), "ms", 5,
                 true_ms=1000 * statistics.median(times[::2]))

    def freeze(self):
        """Frozen as the program's supervisor measured it, beside the same bytes by other ways."""
        for mebibytes, count in FREEZES.items():
            turns = [self.freeze_once(mebibytes) for _ in range(repetitions(count))]
            readv, channel, frozen = (statistics.median(column) for column in zip(*turns))
            self.add(f"{mebibytes} MiB by process_vm_readv", readv * 1000, "ms")
            self.add(f"{mebibytes} MiB through the bare channel", channel * 1000, "ms")
            self.add(f"{mebibytes} MiB dirty: freeze time", frozen * 1000, "ms", all_ms=[t[2] * 1000 for t in turns],
                     ratio_to_channel=frozen / channel, ratio_to_readv=frozen / readv)

    def freeze_once(self, mebibytes):
        home = self.cluster["a"]
        readv = float(home.run([LOADS, "readv", str(mebibytes)]).stdout)
        channel = float(home.run(["python3", "-c", CHANNEL, str(mebibytes)], timeout=600).stdout)
        job = self.product.start([LOADS, "hold", str(mebibytes)])
        job.output.wait_for(re.compile(b"ready"))
        self.product.migrate(job.pid, "b")
        frozen = self.product.row(job.pid)["last_freeze_us"] / 1e6
        job.kill()
        return readv, channel, frozen

    def agent(self):
        """What it takes to watch: the agent, and the supervisor of a program that nothing moves."""
        job = self.product.start([LOADS, "idle"])
        self.product.known(job.pid)
        row = self.product.row(job.pid)
        agent = int(self.cluster["a"].run(["pgrep", "-x", "llrund"]).stdout.split()[0])
        for name, pid in (("agent", agent), ("supervisor of one program", row["supervisor_pid"])):
            before = self.cpu_ticks(pid)
            time.sleep(IDLE_S)
            used = (self.cpu_ticks(pid) - before) / os.sysconf("SC_CLK_TCK")
            self.add(f"{name}, of a core when nothing moves", 100 * used / IDLE_S, "%", 1)
            self.add(f"{name}, resident", self.resident_mib(pid), "MiB", 30)
        job.kill()

    def cpu_ticks(self, pid):
        fields = self.cluster["a"].read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def resident_mib(self, pid):
        return int(re.search(r"VmRSS:\s+(\d+)", self.cluster["a"].read(f"/proc/{pid}/status")).group(1)) / 1024

    def moves(self):
        jobs = [self.product.start([LOADS, "idle"]) for _ in range(MOVERS)]
        pids = [str(job.pid) for job in jobs]
        for job in jobs:
            self.product.known(job.pid)
        there = self.ask_all("migrate PID b", pids)
        home = self.ask_all("home PID", pids, until="a")
        self.add(f"small processes moved per second, {MOVERS} at once", MOVERS / there, "1/s", home_per_s=MOVERS / home)
        for job in jobs:
            job.kill()

    def ask_all(self, words, pids, until="b"):
        start = time.monotonic()
        self.cluster["a"].run(["python3", "-c", MOVE_ALL, words, *pids], timeout=600)
        waiting.until(lambda: all(self.product.where(int(pid)) == until for pid in pids), f"all to be on {until}")
        return time.monotonic() - start


def main(path, names):
    with Cluster() as cluster:
        for host in cluster.hosts.values():
            host.limits.prefer()
        bench = Bench(cluster)
        for name in names or ("home", "guest", "start", "freeze", "agent", "moves"):
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
