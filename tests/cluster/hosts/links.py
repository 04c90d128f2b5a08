"""The wires between hosts: one veth pair for each two hosts, so that each can be cut and counted by itself.

On host a the end towards b is called "to-b". Nothing of it exists in the machine's own network namespace.
"""
import json
import subprocess


def _ip(host, *words):
    command = ["nsenter", f"--net=/proc/{host.pid}/ns/net", "/usr/sbin/ip", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{host.name}: ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Link:
    """The wire between two hosts. `number` chooses its network, 10.77.NUMBER.0/30."""

    def __init__(self, left, right, number):
        self.left, self.right = left, right
        self.addresses = {left.name: f"10.77.{number}.1", right.name: f"10.77.{number}.2"}

    def create(self):
        left, right = self.left, self.right
        _ip(left, "link", "add", f"to-{right.name}", "type", "veth", "peer", "name", f"to-{left.name}", "netns",
            str(right.pid))
        for host, other in ((left, right), (right, left)):
            _ip(host, "address", "add", f"{self.addresses[host.name]}/30", "dev", f"to-{other.name}")
            _ip(host, "link", "set", f"to-{other.name}", "up")

    def cut(self):
        """Pulls the plug: neither end hears of it but by silence and, locally, the lost carrier."""
        _ip(self.left, "link", "set", f"to-{self.right.name}", "down")

    def heal(self):
        _ip(self.left, "link", "set", f"to-{self.right.name}", "up")

    def bytes_from(self, host):
        """Bytes that `host` has put on this wire so far, headers included."""
        other = self.right if host is self.left else self.left
        shown = json.loads(_ip(host, "-json", "-statistics", "link", "show", f"to-{other.name}"))
        return shown[0]["stats64"]["tx"]["bytes"]
