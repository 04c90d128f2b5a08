#!/usr/bin/python3 -B
"""What fails once a move is committed: the guest acts only as home allows, the program runs once or ends with the node
that held it, and the log says why."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import ballast, case, faults, waiting  # noqa: E402

LOST = 128 + signal.SIGKILL


class Failing(ballast.BallastCase):
    SETTINGS = "lease = 3s\nconfirm = 6s\n"

    def setUp(self):
        super().setUp()
        self.link = self.cluster.link("a", "b")

    def assert_lost(self, why):
        """It ends like its node, having done nothing twice; the log says why."""
        self.assertEqual(self.job.wait(), LOST)
        self.assert_nothing_doubled()
        self.assertIn(why, self.product.log())
        faults.wait_until_nothing_is_left(self.b)

    def guest_states(self):
        return [state for _, state, words in faults.processes(self.b) if "ballast" in words]


class AfterCommit(Failing):
    def setUp(self):
        super().setUp()
        self.product.migrate(self.job.pid, "b")

    def test_a_guest_freezes_when_its_lease_ends_and_goes_on_when_the_link_heals(self):
        self.link.cut()
        self.wait_for_log(self.b, "guest Settled --LeaseOver--> Frozen")
        # Stopped by its tracer, or waiting for a file of home's, upon whose answer it stops.
        states = self.guest_states()
        self.assertTrue(states and all(state[0] in "tD" for state in states), states)
        self.link.heal()
        # What it wrote before is still to be read, so the next rounds alone say nothing.
        self.wait_for_log(self.b, "guest Frozen --HeardAgain--> Settled")
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.assert_complete()

    def test_a_channel_that_ends_is_replaced(self):
        for _ in range(3):
            self.wait_for_channel()
            self.a.run(["pkill", "-KILL", "-x", "ssh", "-U", str(self.a.uid)])
            self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.assert_complete()

    def allow_processes(self, host, supervisor, count):
        """To one of ours, counted over all that its user runs (RLIMIT_NPROC): with 1 it can make no thread."""
        for pid, _, words in faults.processes(host):
            if f"llrun-supervisor {supervisor}" in words:
                host.run(["prlimit", "--pid", str(pid), f"--nproc={count}:"])

    def test_home_can_make_no_thread_when_the_channel_ends(self):
        self.wait_for_channel()
        self.allow_processes(self.a, "home", 1)
        self.a.run(["pkill", "-KILL", "-x", "ssh", "-U", str(self.a.uid)])
        self.wait_for_log(self.a, "b is not reached: make a thread")
        self.allow_processes(self.a, "home", 10000)
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.assert_complete()

    def test_the_guests_side_can_make_no_thread_when_it_leaves(self):
        self.allow_processes(self.b, "guest", 1)
        self.product.must("home", self.job.pid)
        self.product.arrive(self.job.pid, "a")
        self.assert_complete()

    def wait_for_channel(self):
        waiting.until(lambda: "ssh b llrund" in self.a.shell("ps -eo args"), "a channel to b")

    def test_a_node_that_is_lost(self):
        """It never says so: it is waited for, until somebody gives it up."""
        self.lose(self.b)
        self.wait_for_log(self.a, "is lost in state Away")
        self.product.must("forget", self.job.pid)
        self.assertEqual(self.job.wait(), LOST)
        self.assert_nothing_doubled()
        self.assertIn("the program is lost with it, and ends by SIGKILL", self.product.log())

    def test_the_guests_side_is_killed(self):
        faults.kill(self.b, "llrun-supervisor guest")
        self.assert_lost("the program is lost with it, and ends by SIGKILL")

    def test_everything_of_ours_on_the_peer_is_killed(self):
        faults.kill_everything(self.b)
        self.assert_lost("the program is lost with it, and ends by SIGKILL")

    def test_the_guest_is_killed_while_it_leaves(self):
        held = self.product.hold(self.b, "guest-Leaving")
        self.product.must("home", self.job.pid)
        held.wait()
        self.b.run(["pkill", "-KILL", "-f", "[b]allast"], as_root=True)
        held.let_go()
        self.assertEqual(self.job.wait(), LOST)
        self.assert_nothing_doubled()
        self.wait_for_log(self.b, "guest Leaving --Ended--> Gone")
        faults.wait_until_nothing_is_left(self.b)

    def test_the_agents_are_killed(self):
        faults.kill(self.b, "llrund --background")
        faults.kill(self.a, "llrund --background")
        self.assert_goes_on()
        self.assert_complete()

    def test_homes_supervisor_is_killed(self):
        """The shadow dies with it, so nobody takes it for the program."""
        faults.kill(self.a, "llrun-supervisor home")
        self.assertEqual(self.job.wait(), LOST)
        self.assert_nothing_doubled()
        self.wait_for_log(self.b, "guest Frozen --Over--> Gone")
        faults.wait_until_nothing_is_left(self.b)

    def test_a_peer_that_pauses_longer_than_the_lease(self):
        faults.stop_everything(self.b)
        self.wait_for_log(self.a, "is lost in state Away")
        faults.continue_everything(self.b)
        self.assert_goes_on()
        self.assert_complete()


class BorneForSixSeconds(Failing):
    """By the owner of b, whatever home's settings are."""

    def test_home_is_lost(self):
        """Frozen when the lease is over, gone when its host's owner bears it no longer: it never acts on its own."""
        self.b.write(".config/llrun/llrun.conf", "abandon = 6s\n")
        self.product.migrate(self.job.pid, "b")
        self.lose(self.a)
        self.wait_for_log(self.b, "guest Settled --LeaseOver--> Frozen")
        self.wait_for_log(self.b, "guest Frozen --Abandoned--> Gone")
        faults.wait_until_nothing_is_left(self.b)


class WaitingForAFile(Failing):
    """The program itself asks for nothing; its supervisor has to ask home about the file that it has open."""
    PROGRAM = ["sh", "-c", "echo ready; exec sleep 600 <ballast.py"]

    def wait_for_a_file(self):
        """The guest's supervisor asks what the program has open, and home does not answer."""
        self.product.migrate(self.job.pid, "b")
        held = self.product.hold(self.b, "guest-Leaving")
        self.product.must("home", self.job.pid)
        held.wait()
        self.addCleanup(self.signal_home, "CONT")
        self.signal_home("STOP")
        held.let_go()
        waiting.until(self.supervisor_waits, "the supervisor to wait for a file of the view")

    def test_a_supervisor_that_is_killed_while_it_reads_a_file_of_the_view(self):
        self.wait_for_a_file()
        faults.kill(self.b, "llrun-supervisor guest")
        faults.wait_until_nothing_is_left(self.b)
        self.signal_home("CONT")
        self.assertEqual(self.job.wait(), LOST)
        self.assertIn("the program is lost with it, and ends by SIGKILL", self.product.log())

    def test_a_link_that_is_lost_while_the_supervisor_reads_a_file_of_the_view(self):
        """The next link answers it, which therefore must not have to pass by who waits."""
        self.wait_for_a_file()
        faults.kill(self.b, "llrund --stdio")
        self.signal_home("CONT")
        self.product.arrive(self.job.pid, "a")
        self.assertIn("the link to home is back", self.product.log(self.b))
        self.a.run(["kill", str(self.job.pid)])
        self.assertEqual(self.job.wait(), 128 + signal.SIGTERM)
        faults.wait_until_nothing_is_left(self.b)

    def signal_home(self, signal_name):
        self.a.run(["pkill", "-" + signal_name, "-U", str(self.a.uid), "-f", "^[^ ]*llrun-supervisor home"], check=False)

    def supervisor_waits(self):
        waits = self.b.run(["ps", "-eLo", "comm=,wchan:32="], as_root=True).stdout
        return any(row.startswith("llrun-supervis") and "request_wait_answer" in row for row in waits.splitlines())


class BetweenCommitAndConfirmed(Failing):
    """Home has given up, or is about to: whatever happens, one incarnation has effects."""
    SETTINGS = "lease = 12s\nconfirm = 60s\n"  # a new channel must fit into the lease on a busy machine, too

    def held_in_doubt(self):
        held = self.product.hold(self.b, "guest-GivenUp")
        self.asking = self.a.popen(["llrunctl", "migrate", str(self.job.pid), "b"], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        held.wait()
        self.assertIn("--> Confirming", self.product.log())
        return held

    def test_a_link_that_breaks_and_heals_within_the_lease(self):
        held = self.held_in_doubt()
        self.a.run(["pkill", "-KILL", "-x", "ssh", "-U", str(self.a.uid)])
        self.wait_for_log(self.b, "the link to home is back")
        held.let_go()
        self.asking.communicate(timeout=waiting.LIMIT_S)
        self.product.arrive(self.job.pid, "b")
        self.assert_goes_on()
        self.assert_complete()

    def test_a_guest_whose_lease_ends_in_doubt(self):
        held = self.held_in_doubt()
        self.link.cut()
        self.wait_for_log(self.b, "guest Running --LeaseOver--> Gone")
        held.let_go()
        self.link.heal()
        self.wait_for_log(self.a, "home Confirming --NotHeard--> Home")
        self.asking.communicate(timeout=waiting.LIMIT_S)
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "a")
        self.assert_complete()

    def test_the_guests_side_is_killed_in_doubt(self):
        held = self.held_in_doubt()
        faults.kill(self.b, "llrun-supervisor guest")
        held.let_go()
        self.wait_for_log(self.a, "home Confirming --NotHeard--> Home")
        self.asking.communicate(timeout=waiting.LIMIT_S)
        self.assert_goes_on()
        self.assert_complete()


class ConfirmedUnheard(Failing):
    """Home does not know whether the program runs there, and waits for as long as it has told the guest."""
    SETTINGS = "lease = 3s\nconfirm = 6s\n"

    def test_a_guest_ends_by_homes_wait_and_not_by_its_owners(self):
        held = self.product.hold(self.b, "guest-Settled")  # Confirmed is not sent
        asking = self.a.popen(["llrunctl", "migrate", str(self.job.pid), "b"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        held.wait()
        self.link.cut()
        self.wait_for_log(self.b, "guest Frozen --Abandoned--> Gone")
        self.wait_for_log(self.a, "home Confirming --Abandoned--> Home")
        held.let_go()
        self.link.heal()
        asking.communicate(timeout=waiting.LIMIT_S)
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "a")
        self.assert_complete()

    def test_one_that_does_not_hear_in_time_that_home_knows_is_taken_back(self):
        """Home has heard Confirmed, and cannot know that the guest has not heard of it: it lets go of nothing."""
        held = self.product.hold(self.b, "guest-ConfirmedSeen")
        asking = self.a.popen(["llrunctl", "migrate", str(self.job.pid), "b"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        held.wait()
        self.link.cut()
        self.wait_for_log(self.b, "guest Frozen --Abandoned--> Gone")
        held.let_go()
        self.link.heal()
        self.wait_for_log(self.a, "home Confirming --NotHeard--> Home")
        asking.communicate(timeout=waiting.LIMIT_S)
        self.assert_goes_on()
        self.assertEqual(self.product.where(self.job.pid), "a")
        self.assert_complete()


if __name__ == "__main__":
    case.main()
