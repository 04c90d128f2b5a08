#!/usr/bin/python3
"""Computes until `grow` exists, takes MIB mebibytes, and computes until `enough` exists.

usage: grower.py MIB; prints "ready", and "grown MIB same" at the end if the bytes are what they were.
"""
import hashlib
import os
import sys


def compute_until(path):
    value = b"seed"
    while not os.path.exists(path):
        for _ in range(20000):
            value = hashlib.sha256(value).digest()


def main():
    print("ready", flush=True)
    compute_until("grow")
    pieces = [bytes([number % 251]) * (1 << 20) for number in range(int(sys.argv[1]))]
    compute_until("enough")
    same = all(piece == bytes([number % 251]) * (1 << 20) for number, piece in enumerate(pieces))
    print("grown", len(pieces), "same" if same else "DIFFERS", flush=True)


if __name__ == "__main__":
    main()
