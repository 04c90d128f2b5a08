#!/usr/bin/python3
"""Reads one line of its standard input for each step, and checks that none is missing, doubled or mixed up.

usage: input.py [--steps N] [--until FILE] <lines: 1, 2, 3, …; prints steps, and PASS or what differed.
"""
import argparse
import os
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--until")
    options = parser.parse_args()
    step = 0
    while step < options.steps or options.until and not os.path.exists(options.until):
        step += 1
        print("step", step, flush=True)
        line = sys.stdin.readline()
        sum(range(100000))
        if line != f"{step}\n":
            print(f"DIFFERS in step {step}: read {line!r}")
            return 1
    print(f"PASS after {step} steps")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
