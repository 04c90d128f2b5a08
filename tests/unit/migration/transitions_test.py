#!/usr/bin/python3 -B
"""The checker of logs (tests/cluster/scenario/transitions.py) finds what is wrong in them, and nothing else."""
import os
import sys
import types
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../cluster"))
from scenario import transitions  # noqa: E402

HOME = ["Home --Migrate--> Preparing", "Preparing --WorldReady--> Freezing", "Freezing --Captured--> Transferring",
        "Transferring --Restored--> Committing", "Committing --Running--> Confirming", "Confirming --Confirmed--> Away",
        "Away --HomeImage--> Returning", "Returning --Returned--> Home"]
GUEST = ["Preparing --WorldMade--> Filling", "Filling --Filled--> Restored", "Restored --Commit--> Running",
         "Running --GivenUp--> Settled", "Settled --Leave--> Leaving", "Leaving --Ended--> Gone"]
# When each happens, in seconds.
HOME_AT, GUEST_AT = (1, 3, 4, 6, 8, 10, 12, 14), (2, 5, 7, 9, 11, 15)


def lines(who, side, rows, times, epoch=1):
    return [f"2026-01-01T00:00:{time:02}.000 {who}: {side} {row} (epoch {epoch})" for row, time in zip(rows, times)]


def journey():
    return lines("home 7", "home", HOME, HOME_AT), lines("guest a-7-5f", "guest", GUEST, GUEST_AT)


class Hosts:
    def __getitem__(self, name):
        return self.hosts[name]


def problems(home, guest, **options):
    cluster = Hosts()
    cluster.hosts = {name: types.SimpleNamespace(name=name) for name in "ab"}
    kept = {"a": "\n".join(home), "b": "\n".join(guest)}
    return transitions.Checker(cluster, kept=kept, **options).check()


class Transitions(unittest.TestCase):
    def test_a_move_and_a_return_are_right(self):
        self.assertEqual(problems(*journey()), [])

    def test_a_row_that_is_not_in_the_table(self):
        home, guest = journey()
        home[5] = home[5].replace("--Confirmed--> Away", "--Confirmed--> Home")
        self.assertIn("is not in the table", problems(home, guest)[0])

    def test_a_step_that_is_missing(self):
        home, guest = journey()
        del guest[2]
        self.assertTrue(any("in state Restored" in problem for problem in problems(home, guest)))

    def test_a_guest_that_runs_unasked(self):
        home, guest = journey()
        self.assertTrue(any("without or before Restored" in problem for problem in problems(home[:3], guest)))

    def test_a_guest_that_keeps_what_it_has_not_sent(self):
        kept = [*GUEST[:5], "Leaving --LeaveRefused--> Settled", "Settled --Leave--> Leaving", GUEST[5]]
        home, _ = journey()
        early = lines("guest a-7-5f", "guest", kept, (2, 5, 7, 9, 10, 11, 11, 15))
        self.assertEqual(problems(home, early), [])
        late = lines("guest a-7-5f", "guest", kept, (2, 5, 7, 9, 11, 13, 13, 15))
        self.assertTrue(any("without or before ReturnFailed" in problem for problem in problems(home, late, paused=True)))

    def test_an_epoch_that_comes_twice(self):
        home, guest = journey()
        self.assertTrue(any("epochs are" in problem for problem in problems(home + home[:1], guest)))

    def test_two_that_run_at_once(self):
        home, guest = journey()
        home[5] = home[5].replace("Confirming --Confirmed--> Away", "Confirming --NotHeard--> Home")
        home[6:] = lines("home 7", "home", ["Home --Migrate--> Preparing", "Preparing --Aborted--> Home"], (13, 14), 2)
        home += lines("home 7", "home", ["Home --Ended--> Ended"], (16,), 2)
        self.assertTrue(any("at once" in problem for problem in problems(home, guest)))
        self.assertFalse(any("at once" in problem for problem in problems(home, guest, paused=True)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
