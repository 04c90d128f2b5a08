#!/usr/bin/python3 -B
"""What --help lists and what the manual pages describe are the same options, verbs and keys.

usage: manual_test.py BIN-DIRECTORY REPOSITORY
"""
import re
import subprocess
import sys
import unittest

BIN, REPOSITORY = sys.argv.pop(1), sys.argv.pop(1)
LONG_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
# Of llrunctl: its synopsis shows them with the verbs that take them.
VERB_OPTIONS = {"watch", "all", "explain", "undo", "here", "follow", "lines"}


def help_of(program):
    return subprocess.run([f"{BIN}/{program}", "--help"], capture_output=True, text=True, check=True).stdout


def page(name):
    """The text of a manual page, with mdoc's and man's ways to write an option or a word undone."""
    with open(f"{REPOSITORY}/docs/man/{name}") as file:
        text = file.read()
    text = re.sub(r"\bFl -?([a-z])", lambda match: "--" + match.group(1), text)
    text = re.sub(r"^\.(B|I|BR|BI|IR|RI|RB|IB) ", "", text, flags=re.MULTILINE)
    return re.sub(r"\\f[A-Z]", "", text).replace("\\-", "-").replace('"', "")


def options(text):
    return set(LONG_OPTION.findall(text))


def verbs_of_help(text):
    """The indented table between Usage and Options."""
    table = text.partition("Usage:")[2].partition("\nOptions")[0]
    return set(re.findall(r"^  ([a-z]+)\b", table, re.MULTILINE))


class Pages(unittest.TestCase):
    def test_every_option_is_in_both(self):
        for program in ("llrun", "llrund", "llrunctl", "llrunsim"):
            with self.subTest(program):
                shown, described = options(help_of(program)), options(page(program + ".1"))
                self.assertEqual(shown - described - {"ready-fd"}, set(), "not in the manual page")
                self.assertEqual(described - shown - VERB_OPTIONS, set(), "not in --help")

    def test_every_verb_is_in_both(self):
        shown = verbs_of_help(help_of("llrunctl"))
        section = page("llrunctl.1").partition(".SH VERBS")[2].partition(".SH OPTIONS")[0]
        heads = re.findall(r"^\.TP\n(.*)$", section, re.MULTILINE)
        described = {part.split()[0] for head in heads for part in head.split(",") if part.split()}
        self.assertGreater(len(shown), 5)
        self.assertEqual(described, shown)

    def test_every_key_of_llrun_conf_is_described(self):
        with open(f"{REPOSITORY}/supervisor/config/keys.cc") as file:
            keys = re.findall(r'^    {"([a-z.-]+)",', file.read(), re.MULTILINE)
        text = page("llrun.conf.5")
        self.assertGreater(len(keys), 5)
        for key in keys:
            self.assertRegex(text, rf"(?m)^{re.escape(key.rpartition('.')[2])}\b", key)


if __name__ == "__main__":
    unittest.main()
