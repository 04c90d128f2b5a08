#!/usr/bin/python3 -B
"""A node that is not reached, refuses, or is another: nothing of that ends a program that is there. What does, and what a
person is told and can do meanwhile."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../unit/agent"))
import channel  # noqa: E402
from scenario import case, faults, waiting  # noqa: E402
from scenario.product import DONE, REFUSED  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
LOST = 128 + signal.SIGKILL
# Longer than any agent that has just been started needs to know its guests.
LONG_MS = 13_000


class Unreached(case.ProductCase):
    SETTINGS = "lease = 6s\nconfirm = 12s\n"

    def setUp(self):
        super().setUp()
        self.product.allow_holds()
        self.a.put(f"{GUESTS}/ballast.py", "ballast.py")
        self.job = self.start(["./ballast.py", "8"])
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(self.job.pid, "b")

    def lose_channels(self):
        self.b.run(["pkill", "-KILL", "-U", str(self.b.uid), "-f", "^[^ ]*llrund --stdio"], check=False)

    def lose_identity(self, host):
        """As with the whole state directory; the logs in it are still wanted."""
        host.run(["rm", f"{host.home}/.local/state/llrun/{host.spec['machine_id']}/identity-{host.name}"])

    def unreached_ms(self):
        return (self.product.row(self.job.pid) or {}).get("unreached_ms", 0)

    def wait_until_unreached(self, milliseconds=1):
        waiting.until(lambda: self.unreached_ms() >= milliseconds, f"b not to be reached for {milliseconds} ms",
                      pause=waiting.LONG_PAUSE_S)

    def wait_for_log(self, host, text):
        waiting.until(lambda: text in self.product.log(host),
                      lambda: f"{text!r} in the log of {host.name}:\n{self.product.log(host)[-3000:]}")

    def assert_goes_on_to_the_end(self):
        self.product.known(self.job.pid)
        waiting.until(lambda: self.unreached_ms() == 0, "b to be reached again", pause=waiting.LONG_PAUSE_S)
        for _ in range(3):
            self.job.output.wait_for(case.pattern(r"round \d+ same\n"))
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.a.write("enough", "")
        self.assertEqual(self.job.wait(), 0, self.job.err)
        rounds = self.job.out.decode().splitlines()
        self.assertEqual(rounds, ["ready", *(f"round {number} same" for number in range(1, len(rounds) - 1)), "end"])
        faults.wait_until_nothing_is_left(self.b)

    def assert_lost(self, why):
        self.assertEqual(self.job.wait(), LOST)
        self.wait_for_log(self.a, why)

    def kill_guests_supervisor(self):
        faults.kill(self.b, "llrun-supervisor guest")

    def agents_of_b(self):
        return self.b.run(["pgrep", "-U", str(self.b.uid), "-f", "^[^ ]*llrund --background"], check=False).stdout.split()


class WhoRefuses(Unreached):
    def test_an_agent_that_its_owner_stopped(self):
        faults.stop_agent(self.b)
        self.lose_channels()
        self.wait_until_unreached(LONG_MS)
        shown = self.product.must("ps")
        self.assertRegex(shown, r"not reached for \d+s: .*its owner has stopped it")
        self.assertRegex(self.product.must("why", self.job.pid), r"has not been reached for 0:\d\d min .*llrunctl forget")
        self.b.run(["llrunctl", "nodes"])  # starts it
        self.assert_goes_on_to_the_end()

    def test_a_run_time_directory_that_goes_and_its_agent_later(self):
        before = self.agents_of_b()
        self.b.run(["rm", "-rf", f"/run/user/{self.b.uid}/llrun"])
        self.lose_channels()
        waiting.until(lambda: self.unreached_ms() >= LONG_MS or "the link to b is back" in self.product.log(),
                      "b to say what it knows", pause=waiting.LONG_PAUSE_S)
        self.b.run(["kill", "-KILL", *before], check=False)
        self.assert_goes_on_to_the_end()

    def test_another_machine_behind_the_same_name(self):
        config = self.a.write(".ssh/config", "Host b\n  HostName a\n  HostKeyAlias a\n", 0o600)
        self.lose_channels()
        self.wait_until_unreached(LONG_MS)
        self.assertIn("another agent answers there", self.product.row(self.job.pid)["unreached_why"])
        os.unlink(self.a.path(config))
        self.assert_goes_on_to_the_end()

    def test_an_agent_without_its_state_is_another_until_the_guest_says_otherwise(self):
        """The identity of later agents is another, but the guest's supervisor has kept its own."""
        self.lose_identity(self.b)
        self.b.run(["kill", "-KILL", *self.agents_of_b()])
        self.lose_channels()
        self.assert_goes_on_to_the_end()

    def test_a_silence_longer_than_any_time_that_home_has(self):
        self.cluster.link("a", "b").cut()
        self.wait_until_unreached(LONG_MS)
        self.cluster.link("a", "b").heal()
        self.assert_goes_on_to_the_end()


class WhoseWordCounts(Unreached):
    def test_the_same_agent_says_that_it_is_no_more(self):
        self.kill_guests_supervisor()
        self.assert_lost("b no longer has the program: neither the program nor its supervisor is there")

    def test_the_same_agent_answers_from_another_boot(self):
        self.b.another_boot()
        faults.kill_everything(self.b)
        self.assert_lost("b no longer has the program: that node has booted since")

    def test_another_agent_says_that_it_is_no_more(self):
        self.lose_identity(self.b)
        faults.kill_everything(self.b)
        self.wait_until_unreached(LONG_MS)
        self.assertTrue(self.job.alive())
        done = self.product.ctl("forget", self.job.pid)
        self.assertEqual(done.returncode, DONE, done)
        self.assertRegex(done.stdout, r"is given up: b has not been reached for 0:\d\d min \(another agent answers there")
        self.assert_lost("was given up by hand")

    def test_a_stranger_who_knows_its_name(self):
        """The name and number of a journey stand in logs and command lines; who has read them there gets nothing by it."""
        row = self.product.row(self.job.pid)
        for secret in (None, b"", bytes(16)):
            hello = channel.hello(channel.RESUME, job=row["job"], epoch=row["epoch"], secret=secret)
            said = self.b.run(["llrund", "--stdio"], input=channel.frame(channel.HELLO, hello), text=False, errors=None).stdout
            self.assertIn(b"the program is another's: what home gave it as a secret was not shown", said)
        self.wait_for_log(self.b, "asks for this program and does not get it")
        self.assertNotIn("is lost", self.product.log(self.a))
        self.lose_channels()
        self.wait_for_log(self.a, "the link to b is back")  # home shows it
        self.assert_goes_on_to_the_end()

    def test_an_agent_that_cannot_look(self):
        self.b.run(["mount", "-o", "remount,hidepid=2", "/proc"], as_root=True)
        self.kill_guests_supervisor()
        self.wait_until_unreached(LONG_MS)
        self.assertIn("hidepid", self.product.row(self.job.pid)["unreached_why"])
        self.b.run(["mount", "-o", "remount,hidepid=0", "/proc"], as_root=True)
        self.assert_lost("b no longer has the program")


class GivenUp(Unreached):
    SETTINGS = "lease = 6s\nconfirm = 12s\nlost-after = 8s\n"

    def test_by_home_after_its_time(self):
        self.cluster.link("a", "b").cut()
        self.assert_lost("lost-after is over")
        self.wait_for_log(self.b, "guest Settled --LeaseOver--> Frozen")
        self.cluster.link("a", "b").heal()
        self.wait_for_log(self.b, "guest Frozen --Over--> Gone")
        faults.wait_until_nothing_is_left(self.b)


class Forgetting(Unreached):
    def test_a_node_that_is_reached_is_not_forgotten(self):
        done = self.product.ctl("forget", self.job.pid)
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("b is reached, and the program runs there: llrunctl home", done.stderr)
        self.assertTrue(self.job.alive())
        self.product.bring_home(self.job.pid)
        done = self.product.ctl("forget", self.job.pid)
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("is at home", done.stderr)


class TheMirror(Unreached):
    def test_a_guest_is_dropped_when_its_program_has_come_home(self):
        """CameHome is lost: home has it, and the guest waits, frozen for good, for a link that nobody makes."""
        held = self.product.hold(self.b, "guest-CameHome")
        self.product.must("home", self.job.pid)
        held.wait()
        self.product.arrive(self.job.pid, "a")
        self.wait_for_log(self.b, "guest Leaving --Over--> Gone")
        held.let_go()
        self.a.write("enough", "")
        self.assertEqual(self.job.wait(), 0)
        faults.wait_until_nothing_is_left(self.b)

    def test_a_guest_stays_while_homes_agent_is_another(self):
        self.a.run(["pkill", "-STOP", "-U", str(self.a.uid), "-f", "^[^ ]*llrun-supervisor home"])
        self.addCleanup(self.a.run, ["pkill", "-CONT", "-U", str(self.a.uid), "-f", "^[^ ]*llrun-supervisor home"],
                        check=False)
        self.lose_channels()
        self.wait_for_log(self.b, "guest Settled --LeaseOver--> Frozen")
        agent = self.a.run(["pgrep", "-U", str(self.a.uid), "-f", "^[^ ]*llrund --background"]).stdout.split()
        self.lose_identity(self.a)
        self.a.run(["kill", "-KILL", *agent])
        self.product.ctl("nodes")  # another agent, which knows nothing of its programs
        waiting.until(lambda: self.product.node_is_reachable("b"), "b to be reached by the new agent")
        guest_waits = r'"unreached_ms":(\d+)'
        waiting.until(lambda: any(int(found) > LONG_MS for found in re.findall(
            guest_waits, self.b.run(["llrunctl", "ps", "--json"]).stdout)), "the guest to have waited for long")
        self.a.run(["pkill", "-CONT", "-U", str(self.a.uid), "-f", "^[^ ]*llrun-supervisor home"])
        self.assert_goes_on_to_the_end()


if __name__ == "__main__":
    case.main()
