"""CPU quota and memory limit of a host: its control groups, of version 1 or 2, whichever the machine has mounted."""
import os

_BASE = "/sys/fs/cgroup"
_FAMILY = "llrun-hosts"
_V1_CONTROLLERS = ("cpu", "cpuacct", "memory", "pids")
_PERIOD_US = 100000
# Before a command of a host: when its memory runs out, the kernel ends that before process 1, which is the host.
ENDED_BEFORE_THE_HOST = ["choom", "-n", "500", "--"]


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


class Limits:
    """Owns the control groups of one host. `name` is unique on the machine."""

    def __init__(self, name):
        self.name = name
        self.version = 1 if os.path.exists(f"{_BASE}/cpu/cpu.cfs_quota_us") or os.path.isdir(f"{_BASE}/cpu") else 2
        self.directories = self._version_1() if self.version == 1 else self._version_2()

    def _version_1(self):
        """One directory a controller; controllers mounted together (cpu,cpuacct) are met once."""
        found = {}
        for controller in _V1_CONTROLLERS:
            mount = os.path.realpath(f"{_BASE}/{controller}")
            if os.path.isdir(mount):
                found[controller] = f"{mount}/{_FAMILY}/{self.name}"
        return found

    def _version_2(self):
        return {controller: f"{_BASE}/{_FAMILY}/{self.name}" for controller in ("cpu", "memory", "pids")}

    def create(self):
        if self.version == 2:
            os.makedirs(f"{_BASE}/{_FAMILY}", exist_ok=True)
            for level in (_BASE, f"{_BASE}/{_FAMILY}"):
                _write(f"{level}/cgroup.subtree_control", "+cpu +memory +pids")
        for directory in set(self.directories.values()):
            os.makedirs(directory)

    def procs_files(self):
        """Where a process writes its pid to be limited."""
        return sorted({f"{directory}/cgroup.procs" for directory in self.directories.values()})

    def mounts(self):
        """What the host mounts under /sys/fs/cgroup; its cgroup namespace makes its own group the root."""
        if self.version == 2:
            return [{"at": "", "kind": "cgroup2", "data": None}]
        by_place = {}
        for controller, directory in self.directories.items():
            by_place.setdefault(directory, []).append(controller)
        return [{"at": ",".join(group), "kind": "cgroup", "data": ",".join(group)} for group in by_place.values()]

    def set_cpu(self, cores):
        """`cores` may be a fraction; None lifts the quota."""
        quota = None if cores is None else int(cores * _PERIOD_US)
        if self.version == 2:
            _write(f"{self.directories['cpu']}/cpu.max", f"{'max' if quota is None else quota} {_PERIOD_US}")
        else:
            _write(f"{self.directories['cpu']}/cpu.cfs_period_us", str(_PERIOD_US))
            _write(f"{self.directories['cpu']}/cpu.cfs_quota_us", str(-1 if quota is None else quota))

    def set_memory(self, mebibytes):
        """None lifts the limit."""
        name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        nothing = "max" if self.version == 2 else "-1"
        _write(f"{self.directories['memory']}/{name}", nothing if mebibytes is None else str(mebibytes << 20))

    def prefer(self):
        """Before the other hosts on the machine: for measuring where others work as well."""
        file, most = ("cpu.weight", 10000) if self.version == 2 else ("cpu.shares", 262144)
        _write(f"{self.directories['cpu']}/{file}", str(most))

    def memory_mib(self):
        """Memory that everything in the host uses now, what the kernel could take back included."""
        name = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        with open(f"{self.directories['memory']}/{name}") as file:
            return int(file.read()) >> 20

    def cpu_seconds(self):
        """CPU time used by everything in the host so far."""
        if self.version == 2:
            with open(f"{self.directories['cpu']}/cpu.stat") as file:
                return int(dict(line.split() for line in file)["usage_usec"]) / 1e6
        with open(f"{self.directories['cpuacct']}/cpuacct.usage") as file:
            return int(file.read()) / 1e9

    def remove(self):
        """With the groups that were made within, by whoever the host let do so. Only directories can be removed here."""
        for directory in set(self.directories.values()):
            for within, _, _ in os.walk(directory, topdown=False):
                os.rmdir(within)
