"""Stops a whole host for a while, as a machine that is suspended, and lets it go on. By the freezer, so that no process of
the host sees a signal of it."""
import contextlib
import os
import time

_BASE = "/sys/fs/cgroup"


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


def _read(path):
    with open(path) as file:
        return file.read()


class Pause:
    """Use as a context manager: the host stands still inside the `with`."""

    def __init__(self, host):
        self.host = host
        self.own = f"{_BASE}/freezer/llrun-hosts/{host.limits.name}" if host.limits.version == 1 else None

    def __enter__(self):
        if self.own is None:
            directory = host_directory(self.host)
            _write(f"{directory}/cgroup.freeze", "1")
            self._wait(f"{directory}/cgroup.events", "frozen 1")
            return self
        os.makedirs(self.own, exist_ok=True)
        while self._gather():
            pass
        _write(f"{self.own}/freezer.state", "FROZEN")
        self._wait(f"{self.own}/freezer.state", "FROZEN")
        return self

    def _gather(self):
        """Moves what is not in it yet; children of those that are come there by themselves."""
        members = set(_read(f"{self.own}/cgroup.procs").split())
        moved = False
        for pid in _read(f"{host_directory(self.host)}/cgroup.procs").split():
            if pid not in members:
                with contextlib.suppress(ProcessLookupError):
                    _write(f"{self.own}/cgroup.procs", pid)
                    moved = True
        return moved

    @staticmethod
    def _wait(path, text, limit=20):
        deadline = time.monotonic() + limit
        while text not in _read(path):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path} stays {_read(path)!r}")
            time.sleep(0.005)

    def __exit__(self, *_):
        if self.own is None:
            _write(f"{host_directory(self.host)}/cgroup.freeze", "0")
            return
        _write(f"{self.own}/freezer.state", "THAWED")
        for pid in _read(f"{self.own}/cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError):
                _write(f"{_BASE}/freezer/cgroup.procs", pid)
        with contextlib.suppress(OSError):  # what was born meanwhile keeps it; the next pause uses it again
            os.rmdir(self.own)


def host_directory(host):
    return host.limits.directories["pids"]


def processes(host):
    """How many processes and threads the host has, as its limit counts them."""
    return int(_read(f"{host_directory(host)}/pids.current"))


def limit_processes(host, most):
    """None lifts the limit."""
    _write(f"{host_directory(host)}/pids.max", "max" if most is None else str(most))
