"""Several test hosts and the wires between each two of them."""
import dataclasses
import functools
import glob
import itertools
import os
import secrets
import subprocess
import tempfile

from . import leftovers, root_tree
from .host import Host
from .links import Link

USER = "user"
_REPOSITORY = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
_FIRST_UID = 64100
_FIRST_SUBORDINATE_ID = 700000
# What guests bring with them: a peer has none of it, so what runs there was served from home.
_HIDDEN_PACKAGES = ("povray", "povray-includes", "xz-utils")
_HIDDEN_NAMES = ("/usr/bin/python3*", "/usr/lib/python3*", "/usr/share/povray*", "/etc/povray")
_ALWAYS_HIDDEN = ("/etc/ssh/ssh_host_*", "/etc/ssh/sshd_config.d", "/etc/ssh/ssh_config.d", "/etc/sudoers.d")


@dataclasses.dataclass
class HostSpec:
    """How a host differs from the others."""
    name: str
    has_programs: bool = False   # POV-Ray, xz and python3; else the host has not even their files
    has_subids: bool = True      # /etc/subuid lets its user map more than one id
    cores: float | None = None   # CPU quota
    memory_mib: int | None = None
    has_disk: bool = False       # ~/disk is on the machine's own filesystem, not in memory


HOME_AND_PEER = (HostSpec("a", has_programs=True), HostSpec("b"))
THREE = (*HOME_AND_PEER, HostSpec("c", has_subids=False))


def build_directory():
    """The CMake build whose programs the hosts see under /opt/llrun."""
    return os.environ.get("LLRUN_TEST_BUILD", os.path.join(_REPOSITORY, "build/dev"))


@functools.cache
def _hidden_on_peers():
    listed = subprocess.run(["dpkg-query", "-L", *_HIDDEN_PACKAGES], capture_output=True, text=True)
    if listed.returncode != 0:
        raise RuntimeError(f"run tools/setup first: {listed.stderr}")
    files = {path for path in listed.stdout.split("\n") if path and not os.path.isdir(path)}
    return sorted(set(itertools.chain.from_iterable(map(glob.glob, _HIDDEN_NAMES))) | files)


def _new_key(comment):
    """A fresh ed25519 key: (private, public)."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path], check=True)
        with open(path) as private, open(path + ".pub") as public:
            return private.read(), public.read()


class Cluster:
    """Use as a context manager: the hosts run inside the `with`, and nothing is left after it.

    With tied=False they outlive this process, until `remove`.
    """

    def __init__(self, specs=HOME_AND_PEER, cluster_id=None, tied=True):
        self.id = cluster_id or f"t{os.getpid()}-{secrets.token_hex(3)}"
        self.tied = tied
        self.specs = list(specs)
        self.hosts = {}
        self.links = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.remove()

    def __getitem__(self, name):
        return self.hosts[name]

    def link(self, left, right):
        return self.links[frozenset((left, right))]

    # --- starting ---------------------------------------------------------------------------------------

    def start(self):
        if os.geteuid() != 0:
            raise PermissionError("test hosts are made by root: run this through tools/test or with sudo")
        leftovers.sweep()
        os.makedirs(f"{leftovers.STATE}/{self.id}", mode=0o755)
        try:
            self._make_hosts()
            for host in self.hosts.values():
                self._save()
                host.start()
            self._save()
            self._make_links()
            self._limit()
        except BaseException:
            self.remove()
            raise

    def _wires(self):
        """Each two hosts with the number of the network between them."""
        return [(left, right, number) for number, (left, right) in
                enumerate(itertools.combinations([spec.name for spec in self.specs], 2), start=1)]

    def _address(self, host, peer):
        for left, right, number in self._wires():
            if {left, right} == {host, peer}:
                return f"10.77.{number}.{1 if peer == left else 2}"
        raise KeyError((host, peer))

    def _make_hosts(self):
        host_keys = {spec.name: _new_key("host " + spec.name) for spec in self.specs}
        user_keys = {spec.name: _new_key(f"{USER}@{spec.name}") for spec in self.specs}
        for index, spec in enumerate(self.specs):
            self.hosts[spec.name] = Host(self.id, self._full_spec(index, spec, host_keys, user_keys), self.tied)

    def _full_spec(self, index, spec, host_keys, user_keys):
        uid, home = _FIRST_UID + 7 * index, f"/home/{spec.name}"
        known = "".join(f"{name} {public}" for name, (_, public) in host_keys.items())
        authorized = "".join(public for _, public in user_keys.values())
        hosts = "127.0.0.1 localhost " + spec.name + "\n" + "".join(
            f"{self._address(spec.name, peer.name)} {peer.name}\n" for peer in self.specs if peer.name != spec.name)
        hidden = list(itertools.chain.from_iterable(map(glob.glob, _ALWAYS_HIDDEN)))
        return {
            "name": spec.name, "user": USER, "uid": uid, "home": home,
            "subids": _FIRST_SUBORDINATE_ID + 65536 * index if spec.has_subids else 0,
            "disk": f"{leftovers.DISKS}/{self.id}/{spec.name}" if spec.has_disk else "",
            "machine_id": secrets.token_hex(16), "build": build_directory(),
            "hidden": hidden + ([] if spec.has_programs else _hidden_on_peers()),
            "host_key": host_keys[spec.name][0], "host_key_public": host_keys[spec.name][1],
            "etc_files": {"hosts": (hosts, 0o644)},
            "home_files": {".ssh/id_ed25519": (user_keys[spec.name][0], 0o600),
                           ".ssh/authorized_keys": (authorized, 0o600), ".ssh/known_hosts": (known, 0o600)},
            "environment": {
                "HOME": home, "USER": USER, "LOGNAME": USER, "SHELL": "/bin/bash", "LANG": "C.UTF-8",
                "TERM": "xterm", "XDG_RUNTIME_DIR": f"/run/user/{uid}",
                "PATH": "/opt/llrun/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
        }

    def _make_links(self):
        for left, right, number in self._wires():
            link = Link(self.hosts[left], self.hosts[right], number)
            link.create()
            self.links[frozenset((left, right))] = link

    def _limit(self):
        for spec in self.specs:
            if spec.cores is not None:
                self.hosts[spec.name].limits.set_cpu(spec.cores)
            if spec.memory_mib is not None:
                self.hosts[spec.name].limits.set_memory(spec.memory_mib)

    # --- keeping track, ending --------------------------------------------------------------------------

    def _save(self):
        leftovers.save(self.id, {
            "owner": leftovers.identity(os.getpid()) if self.tied else None,
            "hosts": {name: {"init": leftovers.identity(host.pid) if host.pid else None, "spec": self._public(host)}
                      for name, host in self.hosts.items()}})

    @staticmethod
    def _public(host):
        return {key: host.spec[key] for key in ("name", "user", "uid", "home", "environment")}

    @classmethod
    def existing(cls, cluster_id):
        """The cluster that an earlier process started and left running."""
        cluster = cls(specs=(), cluster_id=cluster_id, tied=False)
        state = leftovers.load(cluster_id)
        for name, saved in state["hosts"].items():
            if not leftovers.is_alive(saved["init"]):
                raise RuntimeError(f"host {name} of cluster {cluster_id} no longer runs: `hosts down` removes the rest")
            cluster.specs.append(HostSpec(name))
            cluster.hosts[name] = Host(cluster_id, saved["spec"], tied=False)
            cluster.hosts[name].adopt(saved["init"]["pid"])
        for left, right, number in cluster._wires():
            cluster.links[frozenset((left, right))] = Link(cluster.hosts[left], cluster.hosts[right], number)
        return cluster

    def remove(self):
        for host in self.hosts.values():
            host.stop()
        leftovers.remove_cluster(self.id)


__all__ = ["Cluster", "HostSpec", "HOME_AND_PEER", "THREE", "build_directory", "root_tree"]
