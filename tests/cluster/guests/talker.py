#!/usr/bin/python3
"""Prints some lines, computes until the file `go` exists, prints some more, ends.

usage: talker.py NAME [--append FILE] [--read] [--status N] [--journeys]
  --append FILE   appends each line to FILE too
  --read          each line begins with a line read from standard input, byte by byte, so that others may read on
  --journeys      waits for go.1, go.2, … before each further line instead of once for `go`
Writes its process id to the file `pid` when it has printed the first half.
"""
import argparse
import hashlib
import os

HALF = 5


def read_line():
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return "(end)"
        line += byte
    return line.decode().strip()


def compute_until(path):
    value = b"seed"
    while not os.path.exists(path):
        for _ in range(20000):
            value = hashlib.sha256(value).digest()


class Talker:
    def __init__(self, options):
        self.options, self.count, self.digest = options, 0, b""
        self.file = open(options.append, "a") if options.append else None

    def say(self):
        self.count += 1
        for _ in range(20000):
            self.digest = hashlib.sha256(self.digest + b"x").digest()
        read = read_line() + " " if self.options.read else ""
        text = f"{read}{self.options.name} {self.count} {self.digest.hex()[:12]}\n"
        os.write(1, text.encode())
        if self.file:
            self.file.write(text)
            self.file.flush()


def announce():
    with open("pid.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename("pid.new", "pid")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--append")
    parser.add_argument("--read", action="store_true")
    parser.add_argument("--status", type=int, default=0)
    parser.add_argument("--journeys", type=int, default=0)
    options = parser.parse_args()
    talker = Talker(options)
    for _ in range(HALF):
        talker.say()
    announce()
    for gate in [f"go.{number}" for number in range(1, options.journeys + 1)] or ["go"]:
        compute_until(gate)
        talker.say()
    for _ in range(HALF):
        talker.say()
    raise SystemExit(options.status)


if __name__ == "__main__":
    main()
