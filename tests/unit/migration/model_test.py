#!/usr/bin/python3 -B
"""The models of the protocol (supervisor/migration/protocol.pml), of the link (supervisor/job/link.pml) and of a successor of
home's supervisor (supervisor/migration/successor.pml), by spin.

Everything that can happen within a bound on faults is looked at, the models and the tables of machine.cc are compared row
by row, and each wrong protocol that the models know has to be found out.

usage: model_test.py [--long] [unittest's own arguments]
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
PROTOCOL = f"{REPOSITORY}/supervisor/migration/protocol.pml"
LINK = f"{REPOSITORY}/supervisor/job/link.pml"
SUCCESSOR = f"{REPOSITORY}/supervisor/migration/successor.pml"
MACHINE = f"{REPOSITORY}/supervisor/migration/machine.cc"
LONG = "--long" in sys.argv
DEPTH = "-m1000000"


def read(path):
    with open(path) as file:
        return file.read()


class Model:
    """A compiled model; `run` searches it all and returns what spin's verifier printed."""

    def __init__(self, path, cycles=False):
        self.directory = tempfile.mkdtemp(prefix="llrun-model-")
        self._do("spin", "-a", path)
        kind = "-DNP" if cycles else "-DSAFETY"
        self._do("gcc", "-w", "-O0", "-DCOLLAPSE", "-DVECTORSZ=2048", kind, "-o", "pan", "pan.c")
        self.options = ["-l"] if cycles else []

    def _do(self, *command):
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True)
        if done.returncode != 0 or "Error" in done.stdout:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")

    def run(self, **settings):
        environment = os.environ | {name: str(value) for name, value in settings.items()}
        done = subprocess.run(["./pan", DEPTH, *self.options], cwd=self.directory, env=environment, capture_output=True,
                              text=True)
        return done.stdout

    def remove(self):
        shutil.rmtree(self.directory)


def rows_of_machine():
    """{("home" or "guest", from, event, to)} as machine.cc has them."""
    return {({"H": "home", "G": "guest"}[side], *row) for side, *row in
            re.findall(r"\{(H|G)::k(\w+),\s*[HG]E::k(\w+),\s*[HG]::k(\w+)\}", read(MACHINE))}


def rows_of_model():
    """The same of protocol.pml, each with the lines on which it stands."""
    rows = {}
    for number, line in enumerate(read(PROTOCOL).splitlines(), start=1):
        for row in re.findall(r"\b(home|guest)\((\w+), (\w+), (\w+)\)", line):
            if row[1] != "from":
                rows.setdefault(row, set()).add(number)
    return rows


def unreached_lines(printed):
    """Lines whose change of state no run has made."""
    return {int(line) for line in re.findall(r"protocol\.pml:(\d+), state \d+, \"(?:hs|gs\[me\]) = ", printed)}


# Two faults of any kind in one move and return; two moves and returns by two nodes.
RIGHT = [dict(FAULTS=2, MOVES=1, RETURNS=1, EFFECTS=1, DRIFT=1), dict(FAULTS=0, MOVES=2, RETURNS=2, EFFECTS=2, DRIFT=1)]
RIGHT_LONG = [dict(FAULTS=2, MOVES=1, RETURNS=1, EFFECTS=2, DRIFT=1), dict(FAULTS=1, MOVES=2, RETURNS=1, EFFECTS=1, DRIFT=0)]
WRONG = dict(FAULTS=2, MOVES=1, RETURNS=1, EFFECTS=2, DRIFT=1)


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Model(PROTOCOL)
        cls.addClassCleanup(cls.model.remove)

    def assert_right(self, printed):
        self.assertRegex(printed, r"errors: 0\b", printed[-3000:])
        self.assertNotIn("not completed", printed)
        self.assertNotIn("max search depth", printed)

    def test_whatever_fails_every_effect_happens_once_and_every_run_ends_well(self):
        unreached = None
        for settings in RIGHT + (RIGHT_LONG if LONG else []):
            with self.subTest(**settings):
                printed = self.model.run(**settings)
                print(settings, *re.findall(r"\d+ states, stored", printed), file=sys.stderr)
                self.assert_right(printed)
                lines = unreached_lines(printed)
                unreached = lines if unreached is None else unreached & lines
        unused = [row for row, lines in rows_of_model().items() if lines <= unreached]
        self.assertEqual(unused, [], "rows that no run of the model uses")

    def test_no_run_goes_in_circles(self):
        model = Model(PROTOCOL, cycles=True)
        self.addCleanup(model.remove)
        self.assert_right(model.run(FAULTS=1, MOVES=1, RETURNS=1, EFFECTS=1, DRIFT=1))

    def test_the_model_and_the_code_have_the_same_rows(self):
        self.assertEqual(set(rows_of_model()), rows_of_machine())
        self.assertGreater(len(rows_of_machine()), 40)

    def test_every_wrong_protocol_is_found_out(self):
        wrong = re.findall(r"^#define (\w+) +(\d+) +/\*", read(PROTOCOL), re.MULTILINE)
        wrong = [(name, number) for name, number in wrong if re.search(rf"broken [!=]= {name}\b", read(PROTOCOL))]
        self.assertEqual(len(wrong), 18)
        for name, number in wrong:
            with self.subTest(name):
                printed = self.model.run(**WRONG, BROKEN=number)
                self.assertRegex(printed, r"errors: [1-9]", f"{name} was not found out")


class Link(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Model(LINK)
        cls.addClassCleanup(cls.model.remove)

    def test_every_frame_is_handled_once_over_any_connections(self):
        self.assertRegex(self.model.run(), r"errors: 0\b")

    def test_every_wrong_link_is_found_out(self):
        for broken in (1, 2, 3):
            with self.subTest(broken):
                self.assertRegex(self.model.run(BROKEN=broken), r"errors: [1-9]")


class Successor(unittest.TestCase):
    """docs/successor.md: a design that is not built."""

    @classmethod
    def setUpClass(cls):
        cls.model = Model(SUCCESSOR)
        cls.addClassCleanup(cls.model.remove)

    def test_whenever_supervisors_are_killed_nothing_is_lost_or_doubled(self):
        for settings in (dict(DEATHS=0, MOVES=1, EFFECTS=1, SIGNALS=1), dict(DEATHS=2, MOVES=1, EFFECTS=2, SIGNALS=1),
                         dict(DEATHS=2, MOVES=2, EFFECTS=2, SIGNALS=2)):
            with self.subTest(**settings):
                printed = self.model.run(**settings)
                self.assertRegex(printed, r"errors: 0\b", printed[-3000:])
                self.assertNotIn("not completed", printed)
                self.assertNotIn("max search depth", printed)

    def test_every_wrong_design_is_found_out(self):
        wrong = re.findall(r"^#define (\w+) +(\d+) +/\*", read(SUCCESSOR), re.MULTILINE)
        wrong = [(name, number) for name, number in wrong if f"broken == {name}" in read(SUCCESSOR)
                 or f"broken != {name}" in read(SUCCESSOR)]
        self.assertEqual(len(wrong), 13)
        for name, number in wrong:
            with self.subTest(name):
                printed = self.model.run(DEATHS=2, MOVES=1, EFFECTS=2, SIGNALS=2, BROKEN=number)
                self.assertRegex(printed, r"errors: [1-9]", f"{name} was not found out")


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--long"]
    unittest.main(verbosity=2)
