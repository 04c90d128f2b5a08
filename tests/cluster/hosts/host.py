"""One test host: starting it, running commands in it as its user, putting files there and reading them back."""
import contextlib
import glob
import json
import os
import shutil
import subprocess
import threading
import uuid

from . import leftovers, root_tree
from .limits import Limits

_INIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "init.py")
_PATH = "/opt/llrun/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_START_LIMIT_S = 60


class Host:
    """A running host. `pid` is its process 1 as the machine numbers it."""

    def __init__(self, cluster_id, spec, tied):
        self.name, self.uid, self.home, self.user = spec["name"], spec["uid"], spec["home"], spec["user"]
        self.spec, self.tied = spec, tied
        self.stage = f"{leftovers.STATE}/{cluster_id}/{self.name}"
        self.limits = Limits(f"{cluster_id}-{self.name}")
        self.pid = None
        self._process = None

    # --- life -------------------------------------------------------------------------------------------

    def start(self):
        """Makes the namespaces and waits for process 1 to report. Raises RuntimeError with what it said."""
        self.limits.create()
        self.spec["cgroup_mounts"] = self.limits.mounts()
        self.spec["etc_files"] = root_tree.etc_files(self.spec) | self.spec["etc_files"]
        os.makedirs(self.stage)
        spec_path = f"{self.stage}.json"
        with open(spec_path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(self.spec, file)
        self._process = subprocess.Popen(self._start_command(spec_path), stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pid = self._wait_ready()
        os.unlink(spec_path)

    def _start_command(self, spec_path):
        join = "".join(f"echo $$ > {file}; " for file in self.limits.procs_files())
        unshare = ("exec unshare --mount --uts --ipc --net --cgroup --pid --fork "
                   + ("--kill-child " if self.tied else "") + '/usr/bin/python3 -B -I "$@"')
        tie = ["setpriv", "--pdeathsig", "KILL"] if self.tied else ["setsid"]
        return [*tie, "sh", "-ec", join + unshare, "host", _INIT, spec_path, self.stage]

    def _wait_ready(self):
        timer = threading.Timer(_START_LIMIT_S, self._process.kill)
        timer.start()
        line = self._process.stdout.readline().split()
        timer.cancel()
        if len(line) != 2 or line[0] != "ready":
            self._process.kill()
            raise RuntimeError(f"host {self.name} did not start:\n{self._process.communicate()[1]}")
        return int(line[1])

    def adopt(self, pid):
        """Takes over a host that an earlier command started."""
        self.pid = pid

    def stop(self):
        """Ends every process of the host. What it held in memory file systems is gone."""
        if self.pid is not None:
            leftovers.kill_host(leftovers.identity(self.pid))
        if self._process is not None:
            self._process.communicate()

    def another_boot(self):
        """From here on it has the boot id of a later boot; its processes stay."""
        with open(self.path(root_tree.BOOT_ID), "w") as file:
            file.write(f"{uuid.uuid4()}\n")

    # --- commands ---------------------------------------------------------------------------------------

    def environment(self):
        return dict(self.spec["environment"])

    def enter_command(self, command, as_root=False, environment=None, directory=None, ids=None):
        """The argument vector that, run by root on the machine, runs `command` in the host.

        The program gets a parent inside the host: a process whose parent is number 0 is not an ordinary one.
        """
        variables = self.environment() | ({"HOME": "/root", "USER": "root"} if as_root else {}) | (environment or {})
        uid, gid = (0, 0) if as_root else ids or (self.uid, self.uid)
        return [f"{self.spec['build']}/bin/enter_host", str(self.pid), str(uid), str(gid),
                directory or ("/" if as_root else self.home), *self.limits.procs_files(), "--",
                *(f"{key}={value}" for key, value in variables.items()), "--", *command]

    def popen(self, command, as_root=False, environment=None, directory=None, **options):
        return subprocess.Popen(self.enter_command(command, as_root, environment, directory), **options)

    def run(self, command, as_root=False, environment=None, directory=None, check=True, timeout=120, **options):
        """Runs to the end with output captured as text. With `check`, failing raises with what was said."""
        options = {"capture_output": True, "text": True, "errors": "replace", "stdin": subprocess.DEVNULL} | options
        if "input" in options:
            del options["stdin"]
        done = subprocess.run(self.enter_command(command, as_root, environment, directory), timeout=timeout, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {command} gave {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def shell(self, script, **options):
        """What the user's bash prints for `script`."""
        return self.run(["bash", "-c", script], **options).stdout

    # --- files ------------------------------------------------------------------------------------------

    def path(self, inside):
        """The machine's name for a file of the host; relative ones are under the user's home.

        Follows symbolic links outside: meant for plain files that tests put or fetch.
        """
        return f"/proc/{self.pid}/root" + os.path.join(self.home, inside)

    def put(self, source, inside, mode=0o755):
        """Copies a file of the machine into the host, owned by the host's user."""
        target = self.path(inside)
        self._make_directory(os.path.dirname(target))
        shutil.copyfile(source, target)
        os.chmod(target, mode)
        os.chown(target, self.uid, self.uid)
        return os.path.join(self.home, inside)

    def write(self, inside, text, mode=0o644):
        target = self.path(inside)
        self._make_directory(os.path.dirname(target))
        with open(target, "w") as file:
            file.write(text)
        os.chmod(target, mode)
        os.chown(target, self.uid, self.uid)
        return os.path.join(self.home, inside)

    def read(self, inside, mode="r"):
        with open(self.path(inside), mode) as file:
            return file.read()

    def read_all(self, pattern):
        """The text of all files whose names match, one after another; none: empty. Starts nothing on the host."""
        text = []
        for name in sorted(glob.glob(self.path(pattern))):
            with contextlib.suppress(FileNotFoundError), open(name, encoding="utf-8", errors="replace") as file:
                text.append(file.read())
        return "".join(text)

    def exists(self, inside):
        return os.path.lexists(self.path(inside))

    def _make_directory(self, path):
        if not os.path.isdir(path):
            self._make_directory(os.path.dirname(path))
            with contextlib.suppress(FileExistsError):  # another thread of the test has made it meanwhile
                os.mkdir(path)
                os.chown(path, self.uid, self.uid)
