#!/usr/bin/python3
"""tools/lib/verdict.py: what counts as run and passed, and what of a kernel may excuse a test that was left out."""
import contextlib
import io
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../..")
sys.path.insert(0, os.path.join(ROOT, "tools/lib"))
import verdict  # noqa: E402

# As GoogleTest 1.12 writes it.
SKIPPED_INSIDE = """[ RUN      ] Suite.Case
{marker}a_test.cc:12: Skipped
this kernel lacks: something

[  SKIPPED ] Suite.Case (0 ms)
[ RUN      ] Suite.Other
[       OK ] Suite.Other (0 ms)
[  PASSED  ] 1 test.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Suite.Case
"""
# tests/unit/capabilities/capability_test.cc expects the same.
MARKER = "[ LEFT OUT ] Suite.Case: SystemCalls32Bit\n"


class Verdict(unittest.TestCase):
    def judge(self, output="", status="run", skipped=None, name="some_test"):
        """(exit status, what is printed) for one test of CTest's."""
        suite = ElementTree.Element("testsuite")
        if name:
            case = ElementTree.SubElement(suite, "testcase", name=name, status=status)
            ElementTree.SubElement(case, "system-out").text = output
            if skipped is not None:
                ElementTree.SubElement(case, "skipped", message=skipped)
        with tempfile.NamedTemporaryFile(suffix=".xml") as file:
            ElementTree.ElementTree(suite).write(file.name)
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                return verdict.main(file.name), said.getvalue()

    def test_what_passed_passes(self):
        self.assertEqual(self.judge("[  PASSED  ] 3 tests.\n"), (0, "1 of 1 tests ran and passed\n"))

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self.judge(name=None)[0], 1)

    def test_what_did_not_run_or_failed_is_a_failure(self):
        for status in ("fail", "notrun", "disabled"):
            self.assertEqual(self.judge(status=status)[0], 1, status)
            self.assertEqual(self.judge(MARKER, status=status)[0], 1, status)

    def test_a_skip_for_no_known_reason_is_a_failure(self):
        status, said = self.judge(SKIPPED_INSIDE.format(marker=""))
        self.assertEqual(status, 1)
        self.assertIn("some_test: passed, but skipped a case inside Suite.Case\n", said)

    def test_what_a_kernel_may_lack_is_listed_and_is_no_failure(self):
        status, said = self.judge(SKIPPED_INSIDE.format(marker=MARKER))
        self.assertEqual(status, 0)
        self.assertRegex(said, r"this kernel lacks 32-bit system calls .*CONFIG_IA32_EMULATION.*:\n"
                               r"  some_test: Suite\.Case\n1 of 1 tests ran and passed\n")

    def test_a_marker_excuses_its_own_case_alone(self):
        other = SKIPPED_INSIDE.format(marker=MARKER).replace("Suite.Other", "Suite.CaseToo")
        other = other.replace("[       OK ] Suite.CaseToo", "[  SKIPPED ] Suite.CaseToo")
        status, said = self.judge(other)
        self.assertEqual(status, 1)
        self.assertIn("inside Suite.CaseToo\n", said)

    def test_the_list_of_what_a_kernel_may_lack_is_closed(self):
        marker = "[ LEFT OUT ] Suite.Case: MoodOfTheDay\n"
        status, said = self.judge(SKIPPED_INSIDE.format(marker=marker))
        self.assertEqual(status, 1)
        self.assertIn("MoodOfTheDay", said)

    def test_a_marker_within_a_line_is_none(self):
        self.assertEqual(self.judge(SKIPPED_INSIDE.format(marker="it said " + MARKER))[0], 1)

    def test_skips_of_python_of_ctest_and_disabled_cases_are_failures(self):
        self.assertEqual(self.judge("Ran 3 tests\n\nOK (skipped=1)\n")[0], 1)
        self.assertEqual(self.judge("Ran 3 tests\n\nOK (expected failures=1, skipped=1)\n")[0], 1)
        self.assertEqual(self.judge(MARKER + "Ran 3 tests\n\nOK (skipped=1)\n")[0], 1)
        self.assertEqual(self.judge("  YOU HAVE 1 DISABLED TEST\n")[0], 1)
        self.assertEqual(self.judge(MARKER, status="notrun", skipped="SKIP_RETURN_CODE=77")[0], 1)

    def test_each_entry_of_the_list_is_read(self):
        with open(os.path.join(ROOT, "tests/capabilities/capabilities.def")) as file:
            entries = sum(line.startswith("CAPABILITY(") for line in file)
        self.assertGreater(entries, 0)
        self.assertEqual(len(verdict.known_capabilities()), entries)


if __name__ == "__main__":
    unittest.main()
