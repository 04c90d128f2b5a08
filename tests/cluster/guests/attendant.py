#!/usr/bin/python3
"""Sits at a terminal, computing, and tells what reaches it. Writes its process id to the file `pid`.

usage: attendant.py [--read] [--polite] [--quiet] [--end HOW]
  --quiet    does not tell that it has sat down
  --read     reads lines and tells them, until end of file
  --polite   has a handler for SIGTERM: tells, and exits with 7
  --end HOW  once `go` exists: a number to exit with, or "segv" to die by SIGSEGV
"""
import argparse
import hashlib
import os
import signal
import sys


def tell(text):
    """By one system call: a handler may speak in the middle of another sentence, which print() refuses."""
    os.write(1, f"{text}\n".encode())


def size():
    columns, rows = os.get_terminal_size(1)
    return f"{rows}x{columns}"


def polite(*_):
    tell("terminated politely")
    sys.exit(7)


def end(how):
    if how == "segv":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
    sys.exit(int(how))


def compute_until_told(how):
    value = b"seed"
    while not os.path.exists("go"):
        for _ in range(5000):
            value = hashlib.sha256(value).digest()
    tell("told to end")
    end(how)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--read", action="store_true")
    parser.add_argument("--polite", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--end", default="0")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGWINCH, lambda *_: tell("size " + size()))
    signal.signal(signal.SIGCONT, lambda *_: tell("continued"))
    if options.polite:
        signal.signal(signal.SIGTERM, polite)
    with open("pid.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename("pid.new", "pid")
    if not options.quiet:
        tell(f"attending, {os.isatty(0)}, {size()}")
    if options.read:
        for line in sys.stdin:
            tell("read " + line.strip())
        tell("end of file")
        end(options.end)
    compute_until_told(options.end)


if __name__ == "__main__":
    main()
