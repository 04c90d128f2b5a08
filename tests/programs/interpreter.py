#!/usr/bin/python3
"""An interpreter with its own state: objects, generators, floats, a file read line by line, one appended to.

usage: interpreter.py [--steps N] [--until FILE]; prints steps, and PASS or what differed.
"""
import argparse
import hashlib
import os
import threading


def numbers():
    """An endless generator: its frame lives through every move."""
    left, right = 0, 1
    while True:
        yield left
        left, right = right, (left + right) % (1 << 521)


def compute(seed):
    digest = hashlib.sha256(str(seed).encode())
    value = 0.5
    for _ in range(40000):
        value = 3.99 * value * (1 - value)
        digest.update(value.hex().encode() if _ % 1000 == 0 else b"")
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--until")
    options = parser.parse_args()
    problems, step, generator, seen = [], 0, numbers(), {}
    first = compute(1)
    with open("interpreter.lines", "w") as file:
        file.writelines(f"line {at}\n" for at in range(100000))
    lines, appended = open("interpreter.lines"), open("interpreter.appended", "a")
    while step < options.steps or options.until and not os.path.exists(options.until):
        step += 1
        print("step", step, flush=True)
        results = []
        threads = [threading.Thread(target=lambda: results.append(compute(1))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen[step] = next(generator)
        print(step, seen[step] % 1000003, file=appended, flush=True)
        if results != [first] * 3:
            problems.append(f"step {step}: what the threads computed")
        if lines.readline() != f"line {step - 1}\n":
            problems.append(f"step {step}: the line read")
    again = numbers()
    if any(seen[at] != next(again) for at in range(1, step + 1)):
        problems.append("the generator")
    appended.close()
    with open("interpreter.appended") as file:
        if file.read() != "".join(f"{at} {seen[at] % 1000003}\n" for at in range(1, step + 1)):
            problems.append("what was appended")
    for problem in problems:
        print("DIFFERS", problem)
    print("FAIL" if problems else f"PASS after {step} steps")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
