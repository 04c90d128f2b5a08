"""Agents of this machine for tests: the programs copied to a directory of their own, run as an ordinary user."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

ORDINARY = 64123  # a uid without an account: whatever needs root does not work
LIMIT_S = 60


def become_ordinary():
    """The whole test runs as an ordinary user."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(ORDINARY, ORDINARY, ORDINARY)
        os.setresuid(ORDINARY, ORDINARY, ORDINARY)


class Nodes:
    """One user's nodes on this machine, with the fake supervisor, or the real one, beside the programs."""

    def __init__(self, built, conf, supervisor="fake_supervisor"):
        self.top = tempfile.mkdtemp(prefix="llrun-agents-")
        self.bin = os.path.join(self.top, "bin")
        for name in ("bin", "state", "home", "tmp"):
            os.mkdir(os.path.join(self.top, name), 0o700)
        self.run_directory = os.path.join(self.top, "run", "user", str(ORDINARY if os.getuid() == 0 else os.getuid()))
        os.makedirs(self.run_directory, 0o700)
        for name in ("llrun", "llrund", "llrunctl"):
            shutil.copy(os.path.join(built, name), self.bin)
        shutil.copy(os.path.join(built, supervisor), os.path.join(self.bin, "llrun-supervisor"))
        self.trace = os.path.join(self.top, "trace")
        self.conf = os.path.join(self.top, "llrun.conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(conf)
        self.env = {
            "PATH": self.bin + ":/usr/local/bin:/usr/bin:/bin", "HOME": os.path.join(self.top, "home"),
            "LLRUN_RUNTIME_ROOT": self.top, "XDG_STATE_HOME": os.path.join(self.top, "state"),
            "LLRUN_CONF": self.conf, "LLRUN_FAKE_TRACE": self.trace, "LANG": "C.UTF-8"}
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
        # Agents and supervisors are nobody's children; they are known by their program, which is ours alone.
        for _ in range(100):
            left = self.ours()
            if not left:
                break
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.01)
        self.remove_top()

    def remove_top(self):
        """One that was killed may be finishing a file: it has no program any more by which it could be known."""
        for _ in range(100):
            try:
                return shutil.rmtree(self.top)
            except OSError:
                time.sleep(0.01)
        shutil.rmtree(self.top)

    def ours(self):
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    if os.readlink(f"/proc/{name}/exe").startswith(self.bin):
                        found.append(int(name))
                except OSError:
                    pass
        return found

    def start(self, *argv, **kw):
        env = dict(self.env, **kw.pop("env", {}))
        process = subprocess.Popen(argv, env=env, **kw)
        self.started.append(process)
        return process

    def run(self, *argv, **kw):
        env = dict(self.env, **kw.pop("env", {}))
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False, **kw)

    def ctl(self, node, *argv):
        return self.run("llrunctl", "--name", node, *argv)

    def rows(self, node, *argv):
        done = self.ctl(node, *argv, "--json")
        assert done.returncode == 0, done
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(row["schema"] == 1 for row in rows), rows
        return rows

    def node(self, asked, about):
        return next(row for row in self.rows(asked, "nodes") if row["node"] == about)

    def status(self, node):
        return self.rows(node, "status")[0]

    def agent(self, node):
        """The process id of its agent; None: none runs."""
        done = self.ctl(node, "status", "--json")
        return json.loads(done.stdout.splitlines()[0])["pid"] if done.returncode == 0 else None

    def traced(self):
        try:
            with open(self.trace, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []


def wait_for(what, condition):
    """Looks again until it is so; the limit is only there to end a test that would hang."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for: {what}")
