#!/usr/bin/python3 -B
"""The test hosts keep what they promise. Needs nothing of the product."""
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts import leftovers  # noqa: E402
from hosts.cluster import THREE, Cluster, HostSpec  # noqa: E402
from scenario import case, waiting  # noqa: E402

NAMESPACES = ("pid", "mnt", "ipc", "uts", "net", "cgroup")
# Everything a guest's world is made of, by an ordinary user, with proc mounted and a user id of one's own.
WORLD = ("unshare --user --map-root-user --pid --fork --mount --net --uts --ipc --time "
         "sh -ec 'mount -t proc proc /proc; test $$ = 1; ls /proc/1/ns >/dev/null; echo made'")
FUSE_MOUNT = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
device = os.open("/dev/fuse", os.O_RDWR)
data = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
if libc.mount(b"llrun", b"/mnt", b"fuse", 6, data) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print("mounted")
"""
BUSY = "python3 -c 'import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass'"


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


class Isolation(case.HostsCase):
    SPECS = THREE

    def test_no_namespace_is_shared(self):
        pids = [os.getpid()] + [host.pid for host in self.cluster.hosts.values()]
        for kind in NAMESPACES:
            self.assertEqual(len({namespace(pid, kind) for pid in pids}), len(pids), kind)

    def test_a_process_sees_only_its_own_host(self):
        sleeper = self.a.popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
        self.addCleanup(sleeper.wait)
        self.addCleanup(self.a.run, ["pkill", "sleep"])
        waiting.until(lambda: "sleep 1000" in self.a.shell("ps -eo args"), "the sleep to start on a")
        self.assertNotIn("sleep 1000", self.b.shell("ps -eo args"))

    def test_names_and_users_differ(self):
        facts = {}
        for name, host in self.cluster.hosts.items():
            facts[name] = host.shell("hostname; id -u; cat /etc/machine-id; echo ~").split()
            self.assertEqual(facts[name][0], name)
        for column in range(4):
            self.assertEqual(len({fact[column] for fact in facts.values()}), 3, facts)

    def test_the_user_has_no_capability(self):
        for set_name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertRegex(self.a.shell("cat /proc/self/status"), rf"{set_name}:\s+0+\n")

    def test_a_command_has_a_parent_inside(self):
        self.assertNotEqual(self.a.run(["sh", "-c", "echo $PPID"]).stdout.strip(), "0")

    def test_files_written_on_one_host_are_on_no_other(self):
        for directory in ("~", "/tmp", "/var/tmp", "/dev/shm", "$XDG_RUNTIME_DIR"):
            self.a.shell(f"touch {directory}/llrun-was-here")
        for other in (self.b, self.c):
            found = other.run(["find", "/", "-xdev", "-name", "llrun-was-here"], as_root=True, check=False)
            self.assertEqual(found.stdout, "")
            self.assertEqual(other.shell("ls /tmp /var/tmp /dev/shm $XDG_RUNTIME_DIR | grep was-here || true"), "")

    def test_no_writable_mount_is_shared(self):
        """A file system is named by its device; what two hosts both mount must be read-only in both."""
        writable = [self._writable_devices(host) for host in self.cluster.hosts.values()]
        for index, devices in enumerate(writable):
            for others in writable[index + 1:]:
                self.assertEqual(devices & others, set())

    @staticmethod
    def _writable_devices(host):
        found = set()
        for line in host.shell("cat /proc/self/mountinfo").splitlines():
            fields = line.split()
            kind = fields[fields.index("-") + 1]
            if "rw" in fields[5].split(",") and not kind.startswith("cgroup"):
                found.add(fields[2])
        return found

    def test_the_old_root_is_out_of_reach(self):
        self.assertFalse(self.b.exists("/work") or self.b.exists("/.old"))
        self.assertNotIn("/home/a", self.b.shell("ls -d /home/*"))


class Peer(case.HostsCase):
    def test_home_has_the_programs_and_the_peer_has_not(self):
        for program in ("povray", "xz", "python3"):
            self.assertIn(program, self.a.shell(f"command -v {program}"))
            self.assertEqual(self.b.run(["find", "/usr/bin", "/usr/local/bin", "-name", f"{program}*"]).stdout, "")
        self.assertEqual(self.b.run(["find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-iname", "*povray*",
                                     "-print"], as_root=True).stdout, "")

    def test_both_have_the_product(self):
        for host in (self.a, self.b):
            self.assertTrue(host.exists("/opt/llrun/bin"))
            self.assertNotEqual(host.run(["touch", "/opt/llrun/x"], as_root=True, check=False).returncode, 0)


class Channel(case.HostsCase):
    def test_ssh_runs_a_command_as_the_other_user(self):
        for here, there in ((self.a, self.b), (self.b, self.a)):
            words = here.shell(f"ssh {there.name} 'hostname; id -u; echo $XDG_RUNTIME_DIR; pwd'").split()
            self.assertEqual(words, [there.name, str(there.uid), f"/run/user/{there.uid}", there.home])

    def test_bytes_are_counted_on_the_wire(self):
        size = 3_000_000
        link = self.cluster.link("a", "b")
        before = link.bytes_from(self.a), link.bytes_from(self.b)
        self.a.shell(f"head -c {size} /dev/urandom | ssh b 'cat >there'")
        self.assertEqual(os.stat(self.b.path("there")).st_size, size)
        crossed = link.bytes_from(self.a) - before[0]
        self.assertGreater(crossed, size)
        self.assertLess(crossed, 2 * size)
        self.assertLess(link.bytes_from(self.b) - before[1], size / 2)

    def test_a_cut_wire_carries_nothing_until_it_heals(self):
        link = self.cluster.link("a", "b")
        talk = self.a.popen(["ssh", "b", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(talk.communicate)
        output = waiting.Output(talk.stdout.fileno())
        talk.stdin.write(b"one\n")
        talk.stdin.flush()
        output.wait_for(re.compile(b"one\n"))
        link.cut()
        talk.stdin.write(b"two\n")
        talk.stdin.flush()
        with self.assertRaises(waiting.NeverCame):
            output.wait_for(re.compile(b"two\n"), limit=1)
        link.heal()
        output.wait_for(re.compile(b"two\n"))


class WireByWire(case.HostsCase):
    SPECS = THREE

    def test_cutting_one_wire_leaves_the_others(self):
        self.cluster.link("a", "b").cut()
        self.assertNotEqual(self.a.run(["ssh", "-o", "ConnectTimeout=1", "b", "true"], check=False).returncode, 0)
        self.assertEqual(self.a.shell("ssh c hostname").strip(), "c")
        self.assertEqual(self.b.shell("ssh c hostname").strip(), "c")


class Worlds(case.HostsCase):
    SPECS = (HostSpec("a", has_programs=True), HostSpec("b"), HostSpec("c", has_programs=True, has_subids=False))

    def test_a_user_can_make_a_world(self):
        for host in self.cluster.hosts.values():
            self.assertEqual(host.shell(WORLD).strip(), "made")

    def test_a_user_can_mount_fuse_in_it(self):
        for host in (self.a, self.c):
            made = host.run(["unshare", "--user", "--map-root-user", "--mount", "python3", "-c", FUSE_MOUNT])
            self.assertEqual(made.stdout.strip(), "mounted")

    def test_subordinate_ids_are_where_they_should_be(self):
        many = "unshare --user --map-auto --map-root-user cat /proc/self/uid_map"
        self.assertEqual(len(self.b.shell(many).splitlines()), 2)
        self.assertNotEqual(self.c.run(["bash", "-c", many], check=False).returncode, 0)


class Quota(case.HostsCase):
    SPECS = (HostSpec("a", has_programs=True, cores=0.5), HostSpec("b", cores=0.5, memory_mib=512))

    def test_half_a_core_is_half_a_core(self):
        """Judged by CPU time over the same wall time, in this host alone; the bounds are wide on purpose."""
        before = self.a.limits.cpu_seconds()
        self.a.shell(BUSY)
        halved = self.a.limits.cpu_seconds() - before
        self.a.limits.set_cpu(None)
        before = self.a.limits.cpu_seconds()
        self.a.shell(BUSY)
        self.assertLess(halved, 0.8 * (self.a.limits.cpu_seconds() - before))

    def test_the_host_can_read_its_own_limits(self):
        shown = self.a.shell("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max")
        self.assertEqual(shown.split()[0], "50000")

    def test_memory_is_limited(self):
        greedy = self.b.run(["bash", "-c", "head -c 900M /dev/zero | tail -c 800M | wc -c"], check=False)
        self.assertNotEqual(greedy.stdout.strip(), str(800 << 20))

    def test_anything_is_ended_before_the_host_and_an_sshd_that_was_comes_again(self):
        self.assertEqual(self.a.shell("ssh b cat /proc/self/oom_score_adj"), self.a.shell("cat /proc/self/oom_score_adj"))
        self.assertGreater(int(self.a.shell("cat /proc/self/oom_score_adj")), int(self.a.read("/proc/1/oom_score_adj")))
        self.b.run(["pkill", "-KILL", "-o", "sshd"], as_root=True)
        waiting.until(lambda: self.a.run(["ssh", "b", "true"], check=False).returncode == 0, "an sshd of b")


class Leftovers(unittest.TestCase):
    def test_a_crashed_run_is_swept_up(self):
        """The owner is killed without a chance to clean up: its hosts die with it, the rest goes at the next start."""
        script = ("from hosts.cluster import Cluster\nimport os, signal\ncluster = Cluster()\ncluster.start()\n"
                  "print(cluster.id, cluster['a'].pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n")
        crashed = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True,
                                 cwd=os.path.dirname(os.path.realpath(__file__)))
        cluster_id, pid = crashed.stdout.split()
        waiting.until(lambda: leftovers.start_time(int(pid)) is None, "the orphaned host to end")
        with Cluster(specs=(HostSpec("a"),)) as cluster:
            self.assertFalse(os.path.exists(f"{leftovers.STATE}/{cluster_id}"))
            groups = [directory.replace(cluster.id, cluster_id)
                      for directory in cluster["a"].limits.directories.values()]
            self.assertEqual([group for group in groups if os.path.exists(group)], [])

    def test_nothing_is_left_in_the_machines_network(self):
        before = os.listdir("/sys/class/net")
        with Cluster() as cluster:
            self.assertEqual(os.listdir("/sys/class/net"), before)
            state = f"{leftovers.STATE}/{cluster.id}"
        self.assertFalse(os.path.exists(state))


if __name__ == "__main__":
    case.main()
