#!/usr/bin/python3
"""Checks every #include of the project against the arrows between its layers, and that whatever waits for another node
reads the time through base/clock.h, so that tests can let a node sleep.

usage: layers.py SOURCE_DIRECTORY     exit 1 and a line for each include that points up or sideways
"""
import os
import re
import sys

# Whom a layer may know. Arrows point down only; tracer, netproxy and policies do not know one another.
MAY_KNOW = {
    "base": set(),
    "imagefmt": {"base"},
    "tracer": {"imagefmt", "base"},
    "netproxy": {"imagefmt", "base"},
    "policies": {"base"},
    "supervisor": {"tracer", "netproxy", "policies", "imagefmt", "base"},
    "tools": {"supervisor", "tracer", "netproxy", "policies", "imagefmt", "base"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
ONE_CLOCK = ("base", "netproxy", "supervisor")
OTHER_CLOCK = re.compile(r"std::chrono::steady_clock|clock_gettime\(CLOCK_MONOTONIC\b")
SUFFIXES = (".h", ".cc", ".c", ".S", ".def", ".inc")


def layer_of(include):
    """The layer that an include names, or None for everything that is not ours."""
    first = include.split("/", 1)[0]
    return first if "/" in include and (first in MAY_KNOW or first == "tests") else None


def complaint(layer, include):
    """Why a file of `layer` may not include that; None when it may."""
    target = layer_of(include)
    if target is None or target == layer or target in MAY_KNOW[layer]:
        return None
    return f"{layer} may not know {target}"


def violations(root):
    """(file, line number, include, why) for each include against the arrows, and how many files were read."""
    found, files = [], 0
    for layer in MAY_KNOW:
        for directory, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if name.endswith(SUFFIXES):
                    files += 1
                    found += in_file(os.path.join(directory, name), layer, root)
    return found, files


def in_file(path, layer, root):
    found = []
    with open(path, errors="replace") as file:
        for number, line in enumerate(file, start=1):
            match = INCLUDE.match(line)
            include = match.group(1) if match else ""
            if layer in ONE_CLOCK and OTHER_CLOCK.search(line):
                found.append((os.path.relpath(path, root), number, line.strip(), "time is read through base/clock.h"))
            if include.startswith("../") or "/../" in include:
                found.append((os.path.relpath(path, root), number, include, "includes are named from the root"))
            elif match and complaint(layer, include):
                found.append((os.path.relpath(path, root), number, include, complaint(layer, include)))
    return found


def main(root):
    found, files = violations(root)
    for path, number, include, why in found:
        print(f"{path}:{number}: {include}: {why}")
    print(f"{files} files read, {len(found)} against the arrows")
    return 1 if found or files == 0 else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
