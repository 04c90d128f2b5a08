#!/usr/bin/python3 -B
"""What a guest's world has of home, and what it has not: clocks, and whom the kernel ends first."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case, faults  # noqa: E402


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
        self.product.ctl("migrate", job.pid, "b")
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
