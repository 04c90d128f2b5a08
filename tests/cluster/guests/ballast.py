#!/usr/bin/python3
"""Holds memory that must travel: fills MIB mebibytes with random bytes, then checks and counts until `enough` exists.

usage: ballast.py MIB; prints "ready", a digest once a round, and the same digest each time.
"""
import hashlib
import os
import sys


def main():
    size = int(sys.argv[1])
    pieces = [os.urandom(1 << 20) for _ in range(size)]

    def digest():
        whole = hashlib.sha256()
        for piece in pieces:
            whole.update(piece)
        return whole.hexdigest()

    first, rounds = digest(), 0
    print("ready", flush=True)
    while True:
        rounds += 1
        print("round", rounds, "same" if digest() == first else "DIFFERS", flush=True)
        if os.path.exists("enough"):
            break
    print("end", flush=True)


if __name__ == "__main__":
    main()
