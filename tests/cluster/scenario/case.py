"""A test case on test hosts that, when it fails, leaves what the hosts wrote and prints how to repeat it."""
import os
import re
import sys
import unittest

from hosts.cluster import HOME_AND_PEER, Cluster
from scenario import transitions
from scenario.product import Product

KEPT = "/tmp/llrun-failed"
_GATHER = ("for f in ~/.local/state/llrun/*/* ~/.config/llrun/llrun.conf /var/log/sshd.log; do case $f in */history.db*) "
           'continue;; esac; echo "--- $f"; cat "$f"; done; echo "--- processes"; ps -eLo pid,tid,ppid,sid,stat,wchan:20,args')


def pattern(text):
    """A compiled pattern for Output.wait_for."""
    return re.compile(text.encode())


class HostsCase(unittest.TestCase):
    """Starts SPECS afresh for each test; `self.cluster` and `self.a`, `self.b`, … are there in it."""

    SPECS = HOME_AND_PEER
    maxDiff = 4000

    def setUp(self):
        self.cluster = Cluster(self.SPECS)
        self.cluster.start()
        self.addCleanup(self.cluster.remove)
        self.addCleanup(self._keep_logs_if_failed)
        for name, host in self.cluster.hosts.items():
            setattr(self, name, host)

    def _failed(self):
        result = self._outcome.result
        return any(test is self for test, _ in result.failures + result.errors)

    def _keep_logs_if_failed(self):
        if not self._failed():
            return
        directory = f"{KEPT}/{self.id()}"
        os.makedirs(directory, exist_ok=True)
        for host in self.cluster.hosts.values():
            done = host.run(["bash", "-c", _GATHER], as_root=True, check=False,
                            environment={"HOME": host.home})
            with open(f"{directory}/{host.name}.log", "w") as file:
                file.write(done.stdout + done.stderr)
        print(f"\nwhat the hosts wrote is in {directory}\nto repeat: {repeat_command(self)}", file=sys.stderr)


class ProductCase(HostsCase):
    """With the product configured on host a; `self.product`."""

    SETTINGS = ""
    PAUSED = False  # hosts stood still, or supervisors were killed, so that two incarnations may have run at once

    def setUp(self):
        super().setUp()
        self.kept_logs = {}
        self.addCleanup(self._check_transitions)
        self.product = Product(self.cluster, settings=self.SETTINGS).configure()

    def _check_transitions(self):
        """What the supervisors did must be what the protocol allows, whatever the test itself looks at."""
        self.assertEqual(transitions.Checker(self.cluster, paused=self.PAUSED, kept=self.kept_logs).check(), [])

    def lose(self, host):
        """The host stops for good, with everything on it; what it logged until then is kept to be checked."""
        self.kept_logs[host.name] = transitions.log_of(host)
        host.stop()

    def start(self, *words, **options):
        """Product.start, and an end of the job when the test ends."""
        job = self.product.start(*words, **options)
        self.addCleanup(job.kill)
        return job

    def assert_bytes_crossed(self, at_least, before):
        """What must have crossed did cross the wire from home to the peer since bytes_sent() gave `before`."""
        self.assertGreater(self.bytes_sent() - before, at_least)

    def bytes_sent(self):
        return self.cluster.link("a", "b").bytes_from(self.a)


def repeat_command(test):
    """The shell command that runs just this test again."""
    script = os.path.realpath(sys.argv[0])
    build = os.environ.get("LLRUN_TEST_BUILD")
    return f"{f'LLRUN_TEST_BUILD={build} ' if build else ''}{script} {'.'.join(test.id().split('.')[1:])}"


def main():
    """Runs the calling script's cases. A skipped case fails: the project's own machines can do all that is asked."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    for test, reason in program.result.skipped:
        print(f"skipped, so failed: {test.id()}: {reason}", file=sys.stderr)
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun and not program.result.skipped else 1)
