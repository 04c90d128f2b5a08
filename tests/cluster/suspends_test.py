#!/usr/bin/python3 -B
"""A node that sleeps: what it has not heard meanwhile is no silence of the other's, and what it held in doubt it gives up
before anybody could take it for running. And the clocks of worlds, which are home's."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts import pause  # noqa: E402
from scenario import ballast, case, faults, suspends  # noqa: E402

LEASE_S, MARGIN_S = 8, 3
LOOKS_S = 2  # meanwhile all look more than once at how long they have heard nothing


class Suspends(ballast.BallastCase):
    SETTINGS = f"lease = {LEASE_S}s\nabandon = 60s\n"
    PAUSED = True

    def prepare(self):
        for host in (self.a, self.b):
            suspends.prepare(host)

    def test_the_sleep_of_the_guests_node_is_not_homes_silence(self):
        self.product.migrate(self.job.pid, "b")
        with pause.Pause(self.a):  # so that nothing that home has said can be heard first
            suspends.suspend(self.b, LEASE_S + MARGIN_S)
            self.wait_for_log(self.b, "this node has slept for")
            time.sleep(LOOKS_S)
            for word in ("LeaseOver", "nothing was heard"):
                self.assertNotIn(word, self.product.log(self.b), "it has not been silent for the lease")
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.assert_complete()

    def test_home_may_sleep(self):
        """The guest does hear nothing for the lease: it is frozen, and goes on when home is awake."""
        self.product.migrate(self.job.pid, "b")
        suspends.suspend(self.a, LEASE_S + MARGIN_S)
        self.wait_for_log(self.a, "this node has slept for")
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.assert_complete()

    def test_a_commit_that_was_slept_through_is_void(self):
        """Home takes the program back when the lease and the margin have passed, also if for the guest's node hardly any
        time has."""
        held = self.product.hold(self.b, "guest-Commit")
        ballast.start_to_move(self, self.job)
        held.wait()
        suspends.suspend(self.b, LEASE_S + 2 * MARGIN_S)
        held.let_go()
        self.wait_for_log(self.b, "guest Restored --LeaseOver--> Gone")
        self.wait_for_log(self.a, "home Committing --LeaseOver--> Home")
        self.assertNotIn("--Commit--> Running", self.product.log(self.b))
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "a")
        self.assert_complete()

    def test_home_that_slept_waits_for_the_guests_end(self):
        """For home, its sleep is no time in which the guest's lease could have ended."""
        held = self.product.hold(self.b, "guest-Commit")
        ballast.start_to_move(self, self.job)
        held.wait()
        suspends.suspend(self.a, LEASE_S + 2 * MARGIN_S)
        self.wait_for_log(self.b, "guest Restored --LeaseOver--> Gone")
        self.wait_for_log(self.a, "--> Home (epoch 1)")
        held.let_go()
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "a")
        self.assert_complete()


class Clocks(case.ProductCase):
    HELD_S = 2

    def offsets_of_guest(self):
        """Of the time namespace in which the guest lives, in seconds, by its process on b."""
        found = [pid for pid, _, words in faults.processes(self.b) if words.startswith("sleep ")]
        text = self.b.run(["cat", f"/proc/{found[0]}/timens_offsets"], as_root=True).stdout
        return {words[0]: int(words[1]) + int(words[2]) * 1e-9 for words in map(str.split, text.splitlines())}

    def test_the_clocks_of_a_world_are_homes_however_long_its_order_waited(self):
        """The hosts have one kernel, so a world's clocks are home's where its offsets are zero."""
        self.product.allow_holds()
        job = self.start(["sleep", "1000"])
        self.product.known(job.pid)
        held = self.product.hold(self.b, "guest-MakeWorld")
        ballast.start_to_move(self, job)
        held.wait()
        time.sleep(self.HELD_S)  # what the order is late by
        held.let_go()
        self.product.arrive(job.pid, "b")
        for clock, offset in self.offsets_of_guest().items():
            self.assertLess(abs(offset), self.HELD_S / 4, clock)

    def test_guests_are_the_first_to_go_when_memory_runs_out(self):
        def scores(host, words):
            return [int(host.run(["cat", f"/proc/{pid}/oom_score_adj"], as_root=True).stdout)
                    for pid, _, said in faults.processes(host) if said.startswith(words)]
        job = self.start(["sleep", "1000"])
        own = scores(self.a, "sleep 1000")
        self.product.migrate(job.pid, "b")
        supervisors = [int(self.b.run(["cat", f"/proc/{pid}/oom_score_adj"], as_root=True).stdout)
                       for pid, _, words in faults.processes(self.b) if "llrun-supervisor guest" in words]
        self.assertEqual(len(supervisors), 1)
        self.assertEqual(scores(self.b, "sleep 1000"), [min(max(own[0], supervisors[0]) + 500, 1000)])
        self.assertEqual(supervisors, [int(self.b.shell("cat /proc/self/oom_score_adj"))])
        self.product.bring_home(job.pid)
        self.assertEqual(scores(self.a, "sleep 1000"), own)


if __name__ == "__main__":
    case.main()
