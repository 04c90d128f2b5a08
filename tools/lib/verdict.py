#!/usr/bin/python3
"""Reads CTest's JUnit file and says whether every test really ran.

CTest itself is content when a test is disabled or skips; here anything but "ran and passed" is a failure, and
so is a GoogleTest or unittest program that passed although a case inside it skipped.
usage: verdict.py JUNIT.xml     exit 0: all ran and passed; 1: not so, or there was no test at all
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SKIPPED_INSIDE = re.compile(r"\[  SKIPPED \]|^OK \(skipped=|YOU HAVE \d+ DISABLED TEST", re.MULTILINE)
OUTCOMES = {"run": "passed", "fail": "failed", "notrun": "not run", "disabled": "disabled"}


def outcome(case):
    """One word or two for what became of a test case element."""
    output = case.findtext("system-out") or ""
    if case.find("skipped") is not None:
        return "skipped: " + (case.find("skipped").get("message") or "no reason given")
    word = OUTCOMES.get(case.get("status"), case.get("status"))
    if word == "passed" and SKIPPED_INSIDE.search(output):
        return "passed, but skipped a case inside"
    return word


def main(path):
    cases = [(case.get("name"), outcome(case)) for case in ElementTree.parse(path).iter("testcase")]
    bad = [(name, word) for name, word in cases if word != "passed"]
    for name, word in bad:
        print(f"  {name}: {word}")
    print(f"{len(cases) - len(bad)} of {len(cases)} tests ran and passed")
    return 0 if cases and not bad else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
