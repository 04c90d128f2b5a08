"""Stops a whole host for a while, as a machine that is suspended, or one process, as one that gets no processor, and lets it
go on. By the freezer, so that no process of the host sees a signal of it."""
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


def _state(tid):
    """Of a thread, as proc_pid_stat(5) has it; X: it has gone."""
    try:
        return _read(f"/proc/{tid}/stat").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _freezer(limits):
    """The control group that stops the host; of version 1 only: version 2 stops a host by the group that limits it."""
    return f"{_BASE}/freezer/llrun-hosts/{limits.name}" if limits.version == 1 else None


def let_go_on(limits):
    """The host with these control groups, whether it stands still or not: one that does cannot be ended."""
    own = _freezer(limits)
    with contextlib.suppress(FileNotFoundError):
        if own is None:
            return _write(f"{limits.directories['pids']}/cgroup.freeze", "0")
        _write(f"{own}/freezer.state", "THAWED")
        for pid in _read(f"{own}/cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError):
                _write(f"{_BASE}/freezer/cgroup.procs", pid)
        with contextlib.suppress(OSError):  # what was born meanwhile keeps it; the next pause uses it again
            os.rmdir(own)


class Pause:
    """Use as a context manager: the host stands still inside the `with`."""

    def __init__(self, host):
        self.host = host
        self.own = _freezer(host.limits)

    def __enter__(self):
        try:
            self._stop()
        except BaseException:
            let_go_on(self.host.limits)
            raise
        return self

    def _stop(self):
        if self.own is None:
            directory = host_directory(self.host)
            _write(f"{directory}/cgroup.freeze", "1")
            self._wait(f"{directory}/cgroup.events", lambda: "frozen 1" in _read(f"{directory}/cgroup.events"))
            return
        os.makedirs(self.own, exist_ok=True)
        while self._gather():
            pass
        _write(f"{self.own}/freezer.state", "FROZEN")
        self._wait(f"{self.own}/freezer.state", self._stands_still)

    def _stands_still(self):
        """The freezer does not count a thread that waits for an answer of the file view, which is frozen before it can give
        one: that thread does nothing either."""
        return _read(f"{self.own}/freezer.state").strip() == "FROZEN" or all(
            _state(tid) in "DTtZX" for tid in _read(f"{self.own}/tasks").split())

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
    def _wait(path, condition, limit=20):
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path} stays {_read(path)!r}")
            time.sleep(0.005)

    def __exit__(self, *_):
        let_go_on(self.host.limits)


class Starved:
    """Use as a context manager: the process `pid` of the host gets no processor inside the `with`."""

    def __init__(self, host, pid):
        self.limits = host.limits
        self.pid = _pid_outside(host, pid)
        beside = (f"{_BASE}/freezer/llrun-hosts/{host.limits.name}" if host.limits.version == 1
                  else host_directory(host))
        self.own = f"{beside}-starved"
        self.back = f"{_BASE}/freezer" if host.limits.version == 1 else host_directory(host)

    def __enter__(self):
        os.makedirs(self.own)
        _write(f"{self.own}/cgroup.procs", str(self.pid))
        self._freeze(True)
        return self

    def _freeze(self, still):
        if self.limits.version == 1:
            _write(f"{self.own}/freezer.state", "FROZEN" if still else "THAWED")
        else:
            _write(f"{self.own}/cgroup.freeze", "1" if still else "0")

    def __exit__(self, *_):
        self._freeze(False)
        with contextlib.suppress(ProcessLookupError):
            _write(f"{self.back}/cgroup.procs", str(self.pid))
        with contextlib.suppress(OSError):
            os.rmdir(self.own)


def _pid_outside(host, pid):
    for outside in _read(f"{host_directory(host)}/cgroup.procs").split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names = [line.split() for line in _read(f"/proc/{outside}/status").splitlines() if line.startswith("NSpid:")]
            if names and names[0][-1] == str(pid):
                return int(outside)
    raise RuntimeError(f"{host.name} has no process {pid}")


def host_directory(host):
    return host.limits.directories["pids"]


def processes(host):
    """How many processes and threads the host has, as its limit counts them."""
    return int(_read(f"{host_directory(host)}/pids.current"))


def limit_processes(host, most):
    """None lifts the limit."""
    _write(f"{host_directory(host)}/pids.max", "max" if most is None else str(most))
