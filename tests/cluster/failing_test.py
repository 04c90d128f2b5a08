#!/usr/bin/python3 -B
"""Whatever fails before a move is committed, the program goes on at home, its output complete and nothing doubled.

The program carries so much memory that a fault can be put into the transfer: it is injected when the wire has
counted a part of the bytes that must cross before commit.
"""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec  # noqa: E402
from scenario import case, waiting  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
BALLAST_MIB = 200
PART = 40 << 20  # bytes on the wire: well inside the transfer of the ballast, which does not compress
# The states of docs/protocol.md in which home can still resume at once.
STEPS_BEFORE_COMMIT = r"preparing|freezing|transferring"


class BeforeCommit(case.ProductCase):
    SPECS = (HostSpec("a", has_programs=True), HostSpec("b", memory_mib=4 * BALLAST_MIB))
    SETTINGS = "lease = 5s\n"

    def setUp(self):
        super().setUp()
        self.a.put(f"{GUESTS}/ballast.py", "ballast.py")
        self.job = self.start(["./ballast.py", str(BALLAST_MIB)])
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.known(self.job.pid)

    def ask(self):
        """Asks for the move without waiting for its outcome, which is `no`, or `done` when the fault came late."""
        return self.a.popen(["llrunctl", "migrate", str(self.job.pid), "b"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)

    def wait_for_part(self):
        before = self.bytes_sent()
        waiting.until(lambda: self.bytes_sent() - before > PART, f"{PART} bytes to cross")

    def assert_it_goes_on_at_home(self, asking):
        answer = asking.communicate(timeout=waiting.LIMIT_S)[0].decode()
        self.assertNotEqual(asking.returncode, 0, answer)
        self.assertTrue(answer.strip(), "a refusal must say why")
        for _ in range(2):
            self.job.output.wait_for(case.pattern(r"round \d+ same\n"))
        self.assertEqual(self.product.where(self.job.pid), "a")
        self.assertRegex(self.product.log(), re.compile(STEPS_BEFORE_COMMIT, re.IGNORECASE))
        self.assert_complete()

    def assert_complete(self):
        self.a.write("enough", "")
        self.assertEqual(self.job.wait(), 0, self.job.err)
        rounds = self.job.out.decode().splitlines()
        expected = ["ready"] + [f"round {number} same" for number in range(1, len(rounds) - 1)] + ["end"]
        self.assertEqual(rounds, expected)

    def kill_on_b(self, program):
        # In brackets, so that the pattern does not match the command that carries it.
        done = self.b.run(["pkill", "-KILL", "-f", f"[{program[0]}]{program[1:]}"], check=False)
        self.assertEqual(done.returncode, 0, f"no {program} runs on b:\n" + self.b.shell("ps -eo args"))

    def test_the_link_is_cut_before_it_is_asked(self):
        self.cluster.link("a", "b").cut()
        self.assert_it_goes_on_at_home(self.ask())

    def test_the_link_is_cut_in_the_transfer(self):
        asking = self.ask()
        self.wait_for_part()
        self.cluster.link("a", "b").cut()
        self.assert_it_goes_on_at_home(asking)

    def test_the_guests_side_is_killed_in_the_transfer(self):
        asking = self.ask()
        self.wait_for_part()
        self.kill_on_b("llrun-supervisor")
        self.assert_it_goes_on_at_home(asking)

    def test_everything_of_ours_on_the_peer_is_killed_in_the_transfer(self):
        asking = self.ask()
        self.wait_for_part()
        self.b.run(["pkill", "-KILL", "-U", self.b.user], check=False)
        self.assert_it_goes_on_at_home(asking)

    def test_the_peers_memory_is_exhausted(self):
        self.b.limits.set_memory(BALLAST_MIB // 2)
        self.assert_it_goes_on_at_home(self.ask())

    def test_the_peer_stops_answering_in_the_transfer(self):
        """Not dead, not cut off: just silent, as a machine that swaps or is suspended."""
        asking = self.ask()
        self.wait_for_part()
        self.b.run(["pkill", "-STOP", "-U", self.b.user], check=False)
        self.assert_it_goes_on_at_home(asking)

    def test_the_agent_on_the_peer_is_killed_before_it_is_asked(self):
        """Started again on demand, it may take the program after all; either way the program is whole."""
        self.kill_on_b("llrund")
        self.ask().communicate(timeout=waiting.LIMIT_S)
        self.job.output.wait_for(case.pattern(r"round \d+ same\n"))
        self.assert_complete()


class AfterCommit(case.ProductCase):
    """The node that holds the guest is lost: the program ends by SIGKILL, and the log says why."""
    SETTINGS = "lease = 3s\nabandon = 10s\n"

    def setUp(self):
        super().setUp()
        self.a.put(f"{GUESTS}/ballast.py", "ballast.py")
        self.job = self.start(["./ballast.py", "8"])
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(self.job.pid, "b")

    def test_a_link_that_heals_in_time(self):
        link = self.cluster.link("a", "b")
        link.cut()
        self.product.wait_for_log("lease")
        link.heal()
        for _ in range(3):
            self.job.output.wait_for(case.pattern(r"round \d+ same\n"))
        self.a.write("enough", "")
        self.assertEqual(self.job.wait(), 0, self.job.err)

    def test_a_node_that_is_lost(self):
        self.b.stop()
        self.assertEqual(self.job.wait(), 128 + signal.SIGKILL)
        self.assertIn(str(self.job.pid), self.product.log())

    def test_home_is_lost_and_the_guest_ends(self):
        """It never acts on its own: frozen when the lease is over, gone when it is abandoned."""
        self.a.run(["pkill", "-KILL", "-f", "[l]lrun-supervisor"], check=False)
        waiting.until(lambda: "ballast" not in self.b.shell("ps -eo args"), "the guest to end")


if __name__ == "__main__":
    case.main()
