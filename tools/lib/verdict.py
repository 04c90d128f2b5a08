#!/usr/bin/python3
"""Reads CTest's JUnit file and says whether every test really ran.

CTest itself is content when a test is disabled or skips; here anything but "ran and passed" is a failure, and
so is a GoogleTest or unittest program that passed although a case inside it skipped. The one exception is what was left
out for want of something that a kernel may lack: the list of these is closed (tests/capabilities/capabilities.def), the
program has said so in a marker (tests/capabilities/capability.h), and it is listed at the end with its reason.
usage: verdict.py JUNIT.xml     exit 0: all ran and passed; 1: not so, or there was no test at all
"""
import collections
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

LIST = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../tests/capabilities/capabilities.def")
ENTRY = re.compile(r'^CAPABILITY\((\w+),\s*"([^"]*)",\s*"([^"]*)"\)', re.MULTILINE)

MARKER = re.compile(r"^\[ LEFT OUT \] (\S+): (\S+)$", re.MULTILINE)
GOOGLETEST_SKIP = re.compile(r"^\[  SKIPPED \] (?!\d+ tests?, listed below)([^\s,]+)", re.MULTILINE)
OTHER_SKIP = re.compile(r"^OK \(.*skipped=|YOU HAVE \d+ DISABLED TEST", re.MULTILINE)
OUTCOMES = {"run": "passed", "fail": "failed", "notrun": "not run", "disabled": "disabled"}

# A case that a program left out, and the capability that the kernel lacks.
LeftOut = collections.namedtuple("LeftOut", "program case capability")


def known_capabilities():
    """Name: what it is, and where it is had."""
    with open(LIST) as file:
        return {name: (what, where) for name, what, where in ENTRY.findall(file.read())}


def left_out(case):
    output = case.findtext("system-out") or ""
    return [LeftOut(case.get("name"), *found) for found in MARKER.findall(output)]


def outcome(case, capabilities):
    """A few words for what became of a test case element."""
    output = case.findtext("system-out") or ""
    if case.find("skipped") is not None:
        return "skipped: " + (case.find("skipped").get("message") or "no reason given")
    word = OUTCOMES.get(case.get("status"), case.get("status"))
    if word != "passed":
        return word
    unknown = [missing.capability for missing in left_out(case) if missing.capability not in capabilities]
    if unknown:
        return f"passed, but left out a case for {', '.join(unknown)}, which no kernel is said to lack"
    excused = {missing.case for missing in left_out(case)}
    skipped = [name for name in GOOGLETEST_SKIP.findall(output) if name not in excused]
    if skipped or OTHER_SKIP.search(output):
        return f"passed, but skipped a case inside {' '.join(dict.fromkeys(skipped))}".rstrip()
    return "passed"


def tell_left_out(missing, capabilities):
    """For each capability that the kernel lacks, what was left out for it."""
    for name in dict.fromkeys(one.capability for one in missing):
        what, where = capabilities[name]
        print(f"left out, since this kernel lacks {what} ({where}):")
        for one in missing:
            if one.capability == name:
                print(f"  {one.program}: {one.case}")


def main(path):
    capabilities = known_capabilities()
    cases = list(ElementTree.parse(path).iter("testcase"))
    bad = [(case.get("name"), word) for case in cases if (word := outcome(case, capabilities)) != "passed"]
    for name, word in bad:
        print(f"  {name}: {word}")
    tell_left_out([one for case in cases for one in left_out(case) if one.capability in capabilities], capabilities)
    print(f"{len(cases) - len(bad)} of {len(cases)} tests ran and passed")
    return 0 if cases and not bad else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
