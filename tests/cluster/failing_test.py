#!/usr/bin/python3 -B
"""Whatever fails before a move is committed, the program goes on at home, its output complete and nothing doubled,
the log names the step, and nothing is left on the peer.

A fault is put into a definite step by holding the step (docs/protocol.md, "Holding a step"). One program lives through all
steps of a test: it is asked to move again after each failure.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec  # noqa: E402
from scenario import case, faults, waiting  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
BALLAST_MIB = 64
PART = 10 << 20  # bytes on the wire: well inside the transfer of the ballast, which does not compress
PEER_MIB = 10 * BALLAST_MIB

# Home's state, and where the job is held in it: (host, point).
STEPS = (
    ("Preparing", ("b", "guest-Preparing")),     # the peer has been asked for a world
    ("Freezing", ("a", "home-Freezing")),        # the world stands
    ("Transferring", ("b", "guest-PagesEnd")),   # every page has crossed
    ("Committing", ("b", "guest-Commit")),       # complete over there, and told to run
    ("Committing", ("a", "home-Running")),       # it runs over there: what it writes must not count
)
ORDER = ("Preparing", "Freezing", "Transferring", "Committing", "Confirming")


class BeforeCommit(case.ProductCase):
    SPECS = (HostSpec("a", has_programs=True), HostSpec("b", memory_mib=PEER_MIB))
    SETTINGS = "lease = 6s\n"

    def setUp(self):
        super().setUp()
        self.a.put(f"{GUESTS}/ballast.py", "ballast.py")
        self.job = self.start(["./ballast.py", str(BALLAST_MIB)])
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.known(self.job.pid)

    def ask(self):
        """Asks for the move without waiting for its outcome."""
        return self.a.popen(["llrunctl", "migrate", str(self.job.pid), "b"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)

    def wait_for_part(self):
        before = self.bytes_sent()
        waiting.until(lambda: self.bytes_sent() - before > PART, f"{PART} bytes to cross")

    def held_at(self, step, place):
        """Asks for the move and waits until it is held in this step."""
        host, point = self.cluster[place[0]], place[1]
        waiting.until(lambda: self.product.node_is_reachable("b"), "b to be reachable again")
        self.entered = len(self.product.log())
        held = self.product.hold(host, point)
        asking = self.ask()
        try:
            held.wait()
        except AssertionError:
            held.let_go()
            raise
        self.assertIn(f"--> {step} (epoch", self.product.log()[self.entered:], point)
        return held, asking

    def assert_it_goes_on_at_home(self, asking, steps, before=0):
        answer = asking.communicate(timeout=waiting.LIMIT_S)[0].decode()
        self.assertNotEqual(asking.returncode, 0, answer)
        self.assertTrue(answer.strip(), "a refusal must say why")
        log = self.product.log()[before:]
        self.assertRegex(log, rf"home ({'|'.join(steps)}) --(Aborted|NotHeard|LeaseOver)--> Home \(epoch", log[-3000:])
        for _ in range(2):
            self.job.output.wait_for(case.pattern(r"round \d+ same\n"))
        self.assertEqual(self.product.where(self.job.pid), "a", self.product.log()[-3000:])
        faults.wait_until_nothing_is_left(self.b)

    def arrive(self, node):
        """Reads meanwhile: a program goes home when what it has written has been taken."""
        def there():
            self.job.output.wait_for(case.pattern(r"round \d+ same\n"))
            return self.product.where(self.job.pid) == node
        waiting.until(there, f"the program to run on {node}")

    def assert_complete(self):
        self.a.write("enough", "")
        self.assertEqual(self.job.wait(), 0, self.job.err)
        rounds = self.job.out.decode().splitlines()
        expected = ["ready"] + [f"round {number} same" for number in range(1, len(rounds) - 1)] + ["end"]
        self.assertEqual(rounds, expected)

    def fail_at_each_step(self, fault, repair, at_once=True):
        """`at_once`: home is in the step when it notices, so that is the step which its log must name. Else the fault
        may show in a later one, when what was held goes on."""
        for step, place in STEPS:
            with self.subTest(step=step, point=place[1]):
                held, asking = self.held_at(step, place)
                fault()
                if not at_once:
                    held.let_go()
                steps = (step,) if at_once else ORDER[ORDER.index(step):]
                waiting.until(lambda: asking.poll() is not None, f"an answer after a fault in {place[1]}")
                held.let_go()
                repair()
                self.assert_it_goes_on_at_home(asking, steps, self.entered)
        self.assert_complete()


class LinkCut(BeforeCommit):
    def test_before_it_is_asked(self):
        link = self.cluster.link("a", "b")
        link.cut()
        asking = self.ask()
        waiting.until(lambda: asking.poll() is not None, "an answer without a link")
        link.heal()
        self.assert_it_goes_on_at_home(asking, ["Preparing"])
        self.assert_complete()

    def test_at_each_step(self):
        link = self.cluster.link("a", "b")
        self.fail_at_each_step(link.cut, link.heal)

    def test_while_pages_travel(self):
        before, asking, link = len(self.product.log()), self.ask(), self.cluster.link("a", "b")
        self.wait_for_part()
        link.cut()
        waiting.until(lambda: asking.poll() is not None, "an answer after the cut")
        self.assert_it_goes_on_at_home(asking, ["Transferring"], before)  # with the link still cut
        link.heal()
        self.assert_complete()


class PeerKilled(BeforeCommit):
    def test_its_supervisor_at_each_step(self):
        self.fail_at_each_step(lambda: faults.kill(self.b, "llrun-supervisor guest"), lambda: None)

    def test_its_supervisor_while_pages_travel(self):
        before, asking = len(self.product.log()), self.ask()
        self.wait_for_part()
        faults.kill(self.b, "llrun-supervisor guest")
        self.assert_it_goes_on_at_home(asking, ["Transferring"], before)
        self.assert_complete()

    def test_everything_of_ours_at_each_step(self):
        self.fail_at_each_step(lambda: faults.kill_everything(self.b), lambda: None)

    def test_its_agent_at_each_step(self):
        """The agent holds no job: what is on its way arrives without it, and comes home."""
        for step, place in STEPS:
            with self.subTest(step=step, point=place[1]):
                held, asking = self.held_at(step, place)
                faults.kill(self.b, "llrund --background")
                held.let_go()
                asking.communicate(timeout=waiting.LIMIT_S)
                self.arrive("b")
                self.product.must("home", self.job.pid)
                self.arrive("a")
                faults.wait_until_nothing_is_left(self.b)
        self.assert_complete()


class PeerStarved(BeforeCommit):
    def test_its_memory_is_exhausted_at_each_step(self):
        self.fail_at_each_step(lambda: faults.exhaust_memory(self.b), self.give_memory_back, at_once=False)

    def give_memory_back(self):
        """And waits until b says so: it lets nobody in who needs more than it has."""
        faults.give_memory_back(self.b, PEER_MIB)
        waiting.until(lambda: self.free_mib() > 2 * BALLAST_MIB, "b to have memory again")

    def free_mib(self):
        nodes = self.product.json("best")[0]["nodes"]
        return next((node["free_memory_bytes"] for node in nodes if node["node"] == "b"), 0) / (1 << 20)

    def test_it_stops_answering_at_each_step(self):
        self.fail_at_each_step(lambda: faults.stop_everything(self.b), lambda: faults.continue_everything(self.b))


if __name__ == "__main__":
    case.main()
