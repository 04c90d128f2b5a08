#!/usr/bin/python3 -B
"""What a move leaves behind in a program, or changes in it: nothing but what docs/limits.md lists."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
LOOK = case.pattern(r"\{.*\}\n")

# What changes by itself, wherever a program is: counts, times, and the memory that a look at itself takes.
CHANGES = {
    "arch_status", "io", "sched", "schedstat", "smaps_rollup", "syscall", "wchan", "stack", "fdinfo 1", "oom_score", "oom_adj",
    "statm", "stat 10", "stat 12", "stat 14", "stat 15", "stat 24", "stat 39", "status SigQ", "status VmHWM", "status VmRSS",
    "status RssAnon", "status RssFile", "status RssShmem", "status VmPTE", "status VmSwap", "status VmPeak",
    "status voluntary_ctxt_switches", "status nonvoluntary_ctxt_switches", "ksm_stat", "numa_maps", "status State",
}
# What is different away and cannot be mended: docs/limits.md, "What /proc/self shows away".
# stat 18 and 19: priority and niceness, of which a node's owner gives guests less (guests.nice).
DIFFERS_AWAY = {
    "autogroup", "cgroup", "cpuset", "oom_score_adj", "sessionid", "loginuid",
    "fd 0", "fd 1", "fd 2", "fdinfo 0", "fdinfo 1", "fdinfo 2", "maps", "maps files", "smaps VmFlags",
    "mountinfo", "mounts", "mountstats", "uid_map", "gid_map", "projid_map", "timens_offsets",
    "ns cgroup", "ns ipc", "ns mnt", "ns net", "ns pid", "ns pid_for_children", "ns time", "ns time_for_children", "ns user",
    "ns uts", "stat 11", "stat 13", "stat 16", "stat 17", "stat 18", "stat 19", "stat 22", "stat 23", "status CapBnd", "status Seccomp",
    "status Seccomp_filters", "status VmSize", "status VmData", "status VmLib", "status NSpid", "status NStgid", "status NSpgid",
    "status NSsid", "limits Max core file size",
}
# Mapped in a guest for as long as it is away: a page of code, and the memory of its arguments.
STUB = {"r-xp", "rw-p"}


class LeftBehind(case.ProductCase):
    def guest(self, name, **options):
        self.a.put(f"{GUESTS}/{name}", name)
        job = self.start([f"./{name}"], directory=self.a.home, piped=True, **options)
        job.output.wait_for(case.pattern("ready\n"))
        return job

    def look(self, job):
        job.feed(b"look\n")
        return json.loads(job.output.wait_for(LOOK).group())

    def there_and_home(self, job):
        self.product.migrate(job.pid, "b")
        self.product.bring_home(job.pid)

    @staticmethod
    def differing(one, other):
        return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}

    def assert_only(self, allowed, one, other):
        odd = sorted(self.differing(one, other) - allowed)
        self.assertEqual(odd, [], "\n".join(f"{name}:\n  {one.get(name)}\n  {other.get(name)}" for name in odd))

    def test_mappings_are_as_they_were_after_each_return(self):
        job = self.guest("looks_at_itself.py")
        before = self.look(job)
        for _ in range(3):
            self.there_and_home(job)
        after = self.look(job)
        self.assertEqual(after["maps"], before["maps"])
        self.assertEqual(after["smaps VmFlags"], before["smaps VmFlags"])
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)

    def test_what_proc_shows_is_the_same_but_for_what_the_limits_name(self):
        job = self.guest("looks_at_itself.py")
        at_home = self.look(job)
        self.assert_only(CHANGES, at_home, self.look(job))
        self.product.migrate(job.pid, "b")
        away = self.look(job)
        self.assert_only(CHANGES | DIFFERS_AWAY, at_home, away)
        before, now = (set(seen["maps"].splitlines()) for seen in (at_home, away))
        self.assertEqual(before - now, set())
        self.assertEqual({line.split()[1] for line in now - before}, STUB)
        self.assertEqual(len(now - before), len(STUB))
        self.product.bring_home(job.pid)
        self.assert_only(CHANGES, at_home, self.look(job))
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)

    def test_waits_for_home_touch_no_more_memory_than_they_need(self):
        """A timeout in a constant, sets and entries at the end of the memory there is, and a read into a constant."""
        job = self.guest("waits_narrowly.py")
        self.product.migrate(job.pid, "b")
        job.feed(b"1")
        job.output.wait_for(case.pattern("selecting\n"))
        job.feed(b"2")
        job.output.wait_for(case.pattern("select 1 0100000000000000\n"))
        job.output.wait_for(case.pattern("polling\n"))
        self.assertEqual(self.product.where(job.pid), "b")  # the read that follows brings it home
        job.feed(b"3")
        job.output.wait_for(case.pattern("poll 1 00000000" "0900" "0100" "ffffffff" "0100" "0000\n"))
        job.feed(b"4")
        job.output.wait_for(case.pattern("reading -1 " + b"unchanged".hex() + "\n"))
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)


if __name__ == "__main__":
    case.main()
