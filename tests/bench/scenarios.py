#!/usr/bin/python3 -B
"""Scenario benchmarks on test hosts: what llrun costs beside the bare program, in the same run, turn and turn about.

usage: scenarios.py OUTPUT.json     medians, ratios to the bare program and the project's goals
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
from scenario.product import Product  # noqa: E402

LOADS = "/opt/llrun/bin/bench_loads"
TURNS = 7
SIZES_MIB = (1, 64, 1024)


def seconds(text):
    return [float(line) for line in text.split()]


class Bench:
    def __init__(self, cluster):
        self.cluster, self.product, self.results = cluster, Product(cluster).configure(), []

    def add(self, name, value, unit, goal=None, **more):
        self.results.append({"name": name, "value": value, "unit": unit, "goal": goal, **more})
        print(f"{name:44} {value:12.4f} {unit:8} {'' if goal is None else f'goal {goal}'}", flush=True)

    # --- at home ----------------------------------------------------------------------------------------

    def ratio_at_home(self, work, goal):
        """Bare and under llrun in turn, so that whatever else the machine does falls on both alike."""
        bare, under = [], []
        for _ in range(TURNS):
            bare += seconds(self.cluster["a"].run([LOADS, work, "1"]).stdout)
            under += seconds(self.cluster["a"].run(["llrun", "--stay", LOADS, work, "1"]).stdout)
        self.add(f"{work} at home, ratio to bare", statistics.median(under) / statistics.median(bare), "", goal,
                 bare_s=bare, llrun_s=under)

    def start_up(self, goal_ms):
        """One shell on the host times both, so that entering the host is not measured."""
        script = ("import subprocess, time\nfor _ in range(40):\n for command in (['true'], ['llrun', 'true']):\n"
                  "  start = time.monotonic(); subprocess.run(command); print(time.monotonic() - start)\n")
        times = seconds(self.cluster["a"].run(["python3", "-c", script]).stdout)
        extra = statistics.median(times[1::2]) - statistics.median(times[::2])
        self.add("llrun true, more than true", extra * 1000, "ms", goal_ms)

    # --- as a guest -------------------------------------------------------------------------------------

    def ratio_as_guest(self, work, goal):
        bare = seconds(self.cluster["a"].run([LOADS, work, str(TURNS)]).stdout)
        job = self.product.start([LOADS, work, str(TURNS + 200)])
        self.product.migrate(job.pid, "b")
        job.output.wait_for(re.compile(rb"(\d\.\d+\n)+"))
        start = len(job.output.text)
        for _ in range(TURNS + 1):
            job.output.wait_for(re.compile(rb"\d\.\d+\n"))
        away = seconds(job.output.text[start:].decode().partition("\n")[2])[:TURNS]
        job.kill()
        if away:
            self.add(f"{work} as a guest, ratio to bare", statistics.median(away) / statistics.median(bare), "", goal,
                     bare_s=bare, guest_s=away)

    def freeze_time(self, mebibytes):
        """Frozen as the program's supervisor measured it, beside the same bytes through the bare channel."""
        job = self.product.start([LOADS, "hold", "1", str(mebibytes)])
        job.output.wait_for(re.compile(b"ready"))
        self.product.migrate(job.pid, "b")
        row = self.product.row(job.pid)
        job.kill()
        self.add(f"freeze time, {mebibytes} MiB dirty", row["last_freeze_us"] / 1000, "ms", bytes=row["last_bytes"])
        readv = seconds(self.cluster["a"].run([LOADS, "readv", "1", str(mebibytes)]).stdout)[0]
        self.add(f"the same bytes by process_vm_readv, {mebibytes} MiB", readv * 1000, "ms")
        start = time.monotonic()
        self.cluster["a"].shell(f"head -c {mebibytes}M /dev/zero | ssh b 'cat >/dev/null'", timeout=600)
        self.add(f"the same bytes through the bare channel, {mebibytes} MiB", (time.monotonic() - start) * 1000, "ms")


def main(path):
    with Cluster() as cluster:
        bench = Bench(cluster)
        for work, goal in (("compute", 1.005), ("calls", 1.01), ("spawn", 1.05)):
            bench.ratio_at_home(work, goal)
        bench.start_up(5)
        for work, goal in (("compute", 1.005), ("calls", 1.30)):
            bench.ratio_as_guest(work, goal)
        for size in SIZES_MIB:
            bench.freeze_time(size)
    revision = subprocess.run(["git", "-C", _HERE, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    with open(path, "w") as file:
        json.dump({"schema": 1, "revision": revision, "kernel": os.uname().release, "cpus": os.cpu_count(),
                   "results": bench.results}, file, indent=1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
