#!/usr/bin/python3 -B
"""What a node's owner allows guests holds: how many, how much memory, how much CPU, how nice. And a node short of
memory lets the program go whose leaving helps.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec  # noqa: E402
from scenario import case, product, waiting  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
LOOP = ["sh", "-c", "while :; do :; done"]


class OwnersLimits(case.HostsCase):
    SPECS = (HostSpec("a", has_programs=True, cores=1), HostSpec("b", cores=1))

    def begin(self, limits):
        """The product, with these limits on b."""
        self.product = product.Product(self.cluster, settings="after = 1s\nsettle = 3s\n")
        self.product.write_conf(self.b, "[guests]\n" + limits)
        self.product.configure()

    def start(self, command, **options):
        job = self.product.start(command, **options)
        self.addCleanup(job.kill)
        self.product.known(job.pid)
        return job

    def refused(self, job):
        answer = self.product.ctl("migrate", job.pid, "b")
        self.assertEqual(answer.returncode, product.REFUSED, answer)
        self.assertEqual(self.product.where(job.pid), "a")
        self.assertTrue(job.alive())
        return answer.stderr

    def guest_on_b(self, pattern):
        """The guest's process as b numbers it."""
        return waiting.until(lambda: self.b.run(["pgrep", "-f", pattern], as_root=True, check=False).stdout.split(),
                             f"{pattern} to run on b")[0]

    def test_number_and_niceness(self):
        self.begin("max = 1\nnice = 7\n")
        first, second = self.start(LOOP), self.start(LOOP)
        self.product.migrate(first.pid, "b")
        niceness = self.b.shell(f"ps -o ni= -p {self.guest_on_b('while :[;]')}").strip()
        self.assertEqual(niceness, "7")
        self.assertEqual(self.product.json("status", "b")[0]["guests"], 1)
        self.assertIn("takes no more (guests.max)", self.refused(second))
        self.product.bring_home(first.pid)
        self.assertEqual(self.a.shell(f"ps -o ni= -p {first.pid}").strip(), "0", "it is as nice at home as it was")
        waiting.until(lambda: not self.product.ctl("ps", host=self.b).stdout.count("from a"), "b to be empty")
        self.product.migrate(second.pid, "b")

    def test_what_is_not_set(self):
        """The owner comes first."""
        self.begin("")
        job = self.start(LOOP)
        self.product.migrate(job.pid, "b")
        self.assertEqual(self.b.shell(f"ps -o ni= -p {self.guest_on_b('while :[;]')}").strip(), "10")
        self.product.bring_home(job.pid)
        self.assertEqual(self.a.shell(f"ps -o ni= -p {job.pid}").strip(), "0", "it is as nice at home as it was")

    def test_processes(self):
        self.begin("processes = 4\n")
        threads = ("import sys, threading, time\n"
                   "def more(count):\n"
                   "  for _ in range(count): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
                   "  print('ready', flush=True)\n"
                   "more(int(sys.argv[1]))\n"
                   "more(int(sys.stdin.readline()))\n"
                   "sys.stdin.readline()\n")
        many, few = (self.start(["python3", "-c", threads, count], piped=True) for count in ("4", "1"))
        for job in (many, few):
            job.output.wait_for(case.pattern("ready\n"))
        self.assertIn("(guests.processes)", self.refused(many))
        self.product.migrate(few.pid, "b")
        few.feed(b"3\n")
        few.output.wait_for(case.pattern("ready\n"))
        self.product.arrive(few.pid, "a")
        self.assertIn("(guests.processes)", self.product.row(few.pid)["last_reason"])

    def test_no_core_dump_is_made_here(self):
        """A program of core_pattern (core(5)) would get the guest's memory, also if its limit forbids one."""
        self.begin("")
        job = self.start(["sh", "-c", "ulimit -c 0; echo ready; read line; kill -ABRT $$"], piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        job.feed(b"now\n")
        job.close_input()
        self.assertEqual(job.wait(), 128 + 6)
        self.assertIn("signal 6 ends the guest, without the core dump", self.product.log(self.b))

    def test_old_guests_stand_back(self):
        self.begin("nice = 2\n[strategy]\nageing_s = 0.3\n")
        counts = ("import os\nwhile True:\n"
                  "  for i in range(1000000): pass\n"
                  "  print('my own', os.getpriority(os.PRIO_PROCESS, 0), flush=True)")
        job = self.start(["python3", "-c", counts])
        self.product.migrate(job.pid, "b")
        guest = self.guest_on_b("for i in rang[e]")
        waiting.until(lambda: self.b.shell(f"ps -o ni= -p {guest}").strip() == "7",
                      "five levels on top of the owner's two, and no more")
        waiting.until(lambda: "stands back behind younger programs by 5 levels" in self.product.log(self.b),
                      "the log to say so")
        self.assertEqual(self.product.where(job.pid), "b")
        self.product.bring_home(job.pid)
        self.assertEqual(self.a.shell(f"ps -o ni= -p {job.pid}").strip(), "0", "it is as nice at home as it was")
        self.a.run(["kill", str(job.pid)])
        job.wait()
        self.assertEqual(set(job.out.splitlines()), {b"my own 0"}, "nor does it know")

    def test_memory(self):
        self.begin("memory = 60\n")
        self.a.put(f"{GUESTS}/ballast.py", "ballast.py")
        self.a.put(f"{GUESTS}/grower.py", "grower.py")
        large = self.start(["./ballast.py", "100"])
        large.output.wait_for(case.pattern("ready\n"))
        waiting.until(lambda: self.product.row(large.pid)["resident_bytes"] > 100 << 20, "its size to be known")
        self.assertIn("(guests.memory)", self.refused(large))
        grower = self.start(["./grower.py", "100"])
        grower.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(grower.pid, "b")
        self.a.write("grow", "")
        self.product.arrive(grower.pid, "a")
        self.assertIn("(guests.memory)", self.product.row(grower.pid)["last_reason"])
        self.a.write("enough", "")
        self.assertEqual(grower.wait(), 0, grower.err)
        self.assertTrue(grower.out.endswith(b"grown 100 same\n"), grower.out)

    def test_cpu_by_looking(self):
        self.begin("cpu = 0.1\n")
        job = self.start(LOOP)
        waiting.until(lambda: self.product.row(job.pid)["cpu_rate"] > 0.2, "it to be busy")
        self.assertIn("(guests.cpu)", self.refused(job))

    def test_cpu_by_a_control_group(self):
        self.delegate_groups(self.b)
        self.begin("cpu = 0.3\n")
        job = self.start(LOOP)
        self.product.migrate(job.pid, "b")
        group = self.b.shell(f"grep -h guests /proc/{self.guest_on_b('while :[;]')}/cgroup").strip()
        self.assertTrue(group.endswith("llrun-guests-b"), group)
        self.product.bring_home(job.pid)

    def delegate_groups(self, host):
        """As a site does that lets its users divide what they have: the directories are theirs."""
        for directory in set(host.limits.directories.values()):
            os.chown(directory, host.uid, host.uid)
            for name in os.listdir(directory):
                if name in ("cgroup.procs", "cgroup.subtree_control", "tasks"):
                    os.chown(os.path.join(directory, name), host.uid, host.uid)


class MemoryPressure(case.ProductCase):
    SPECS = (HostSpec("a", has_programs=True, memory_mib=1600), HostSpec("b", memory_mib=1600))
    SETTINGS = "after = 1s\nsettle = 3s\nstrategy = none\n"  # memory comes before any strategy

    def ballast(self, mebibytes):
        job = self.start(["./ballast.py", str(mebibytes)], options=())
        job.output.wait_for(case.pattern("ready\n"))
        self.product.known(job.pid)
        return job

    def own_row(self):
        return next(row for row in self.product.json("nodes") if row["self"])

    def test_the_program_whose_leaving_helps_goes(self):
        self.a.put(f"{GUESTS}/ballast.py", "ballast.py")
        small, large = self.ballast(5), self.ballast(150)
        self.product.let_decide(3)
        self.assertEqual([self.product.where(job.pid) for job in (small, large)], ["a", "a"], "nothing is short yet")
        row = self.own_row()
        self.assertLess(row["total_memory_bytes"], 1700 << 20, "the limit is the node's memory")
        missing = row["free_memory_bytes"] - row["total_memory_bytes"] * 3 // 100
        # All at once, for an agent: while it fills, the small one's leaving would help for a moment.
        self.addCleanup(self.a.run, ["pkill", "-CONT", "llrund"], check=False)
        self.a.run(["pkill", "-STOP", "llrund"])
        hog = self.a.popen(["python3", "-c", f"import time; x = bytearray(b'x') * {missing}; print('full', flush=True); "
                            "time.sleep(1000)"], stdout=subprocess.PIPE)
        self.addCleanup(hog.communicate)
        self.addCleanup(self.a.run, ["pkill", "-KILL", "-f", "time.sleep.1000"], check=False)
        self.assertEqual(hog.stdout.readline(), b"full\n")
        self.a.run(["pkill", "-CONT", "llrund"])
        self.product.arrive(large.pid, "b")
        self.assertIn("short of memory", self.product.row(large.pid)["last_reason"])
        self.assertEqual(self.product.where(small.pid), "a")
        for job in (small, large):
            self.assertTrue(job.alive())


if __name__ == "__main__":
    case.main()
