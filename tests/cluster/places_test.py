#!/usr/bin/python3 -B
"""The agent is found, and is one, whatever becomes of its run-time directory; and many programs leave at once."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case, waiting  # noqa: E402

SLEEPER = ["sleep", "1000"]
MANY = 20


class Places(case.ProductCase):
    def agent(self, host):
        return self.product.ctl("status", "--json", host=host).stdout.partition('"pid":')[2].partition(",")[0]

    def log_out(self, host):
        """What a login's end does without linger."""
        host.run(["rm", "-r", f"/run/user/{host.uid}"], as_root=True)

    def test_logouts_on_both_nodes_while_a_program_is_away(self):
        job = self.start(SLEEPER)
        self.product.migrate(job.pid, "b")
        agents = [self.agent(host) for host in (self.a, self.b)]
        for host in (self.a, self.b):
            self.log_out(host)
        self.assertEqual([self.agent(host) for host in (self.a, self.b)], agents)
        self.assertEqual(self.product.where(job.pid), "b")
        self.assertIn("sleep", self.product.ctl("ps", host=self.b).stdout)
        self.product.bring_home(job.pid)
        self.product.migrate(job.pid, "b")

    def test_the_environment_leads_nobody_elsewhere(self):
        job = self.start(SLEEPER)
        self.product.known(job.pid)
        for value in ("", "/tmp", "/no/such"):
            seen = self.a.run(["env", f"XDG_RUNTIME_DIR={value}", "llrunctl", "ps"]).stdout
            self.assertIn(str(job.pid), seen, value)

    def test_many_leave_at_once(self):
        jobs = [self.start(SLEEPER) for _ in range(MANY)]
        for job in jobs:
            self.product.known(job.pid)
        asking = [self.a.popen(["llrunctl", "migrate", str(job.pid), "b"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT) for job in jobs]
        answers = [one.communicate(timeout=2 * waiting.LIMIT_S)[0].decode() for one in asking]
        self.assertEqual([one.returncode for one in asking], [0] * MANY, answers)


if __name__ == "__main__":
    case.main()
