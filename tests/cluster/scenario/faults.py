"""Faults that a test puts into a peer, and what must not be left on it afterwards."""
import re
import signal
import subprocess

from . import waiting

# What may stay on a peer when no job is there: its agent, and the far end of ssh until it hears of its loss.
_MAY_STAY = re.compile(r"^((\S*/)?llrund --background|sshd)")
# The far end of a channel: one belongs to the line between the two agents, the others to jobs.
_CHANNEL = re.compile(r"^(\S*/)?llrund --stdio")
_FIRST_VICTIMS = ("for pid in $(pgrep -U $1 | while read pid; do case $(cat /proc/$pid/comm) in llrund|sshd) ;; *) echo $pid;; "
                  "esac; done); do echo 1000 >/proc/$pid/oom_score_adj || true; done")
_STALLING = "/opt/llrun/bin/stalling"
_HOG = ["tail", "/dev/zero"]  # looks for the end of a line that has none


def processes(host):
    """What the host's user runs there, as (pid, state, arguments or name), without what only looks."""
    rows = host.shell("ps -U \"$(id -u)\" -o pid=,ppid=,stat=,args=").splitlines()
    found = [row.split(None, 3) for row in rows]
    # The shell that looks, what it runs, and the parent that the host gives it.
    looking = {pid for pid, _, _, words in found if "ps -U" in words}
    return [(pid, state, words) for pid, parent, state, words in found
            if pid not in looking and parent not in looking]


def left_over(host):
    """Processes, file views and sockets of jobs on a host that should have none; empty when there is nothing."""
    running = [row for row in processes(host) if not _MAY_STAY.match(row[2])]
    channels = [row for row in running if _CHANNEL.match(row[2])]
    remains = [" ".join(row) for row in running if row not in channels[:1]]
    mounts = host.run(["sh", "-c", "grep -l fuse.llrun /proc/[0-9]*/mountinfo || true"], as_root=True).stdout
    return remains + mounts.split()


def wait_until_nothing_is_left(host):
    waiting.until(lambda: not left_over(host), f"{host.name} to be as before; there is:\n"
                  + "\n".join(left_over(host)))


def kill(host, program):
    """SIGKILL to every process of the host whose command line begins with `program`, of which there must be one."""
    done = host.run(["pkill", "-KILL", "-U", str(host.uid), "-f", f"^[^ ]*{program}"], check=False)
    if done.returncode != 0:
        raise AssertionError(f"no {program} runs on {host.name}:\n" + host.shell("ps -eo args"))


def mark_stopped(host):
    """As its owner does while its guests cannot leave: channels from elsewhere do not start its agent again, in this boot."""
    boot = host.shell("cat /proc/sys/kernel/random/boot_id").strip()
    host.write(f"/run/user/{host.uid}/llrun/{host.name}.stopped", boot)


def stop_agent(host):
    mark_stopped(host)
    kill(host, "llrund --background")


def kill_everything(host):
    """Agent, supervisors, guests and the ends of channels, in whatever order."""
    host.run(["pkill", "-KILL", "-U", str(host.uid)], check=False)


def stop_everything(host):
    """Not dead, not cut off: just silent, as a machine that swaps or is suspended."""
    host.run(["pkill", "-STOP", "-U", str(host.uid)], as_root=True)


def continue_everything(host):
    host.run(["pkill", "-CONT", "-U", str(host.uid)], as_root=True)


def exhaust_memory(host):
    """Leaves next to nothing, then takes it: the kernel kills the processes of the job, the largest first, and what took it
    at last."""
    host.run(["sh", "-c", _FIRST_VICTIMS, "sh", str(host.uid)], as_root=True)
    host.limits.set_memory(host.limits.memory_mib() + 16)
    ended = host.run(_HOG, as_root=True, check=False).returncode
    if ended != 128 + signal.SIGKILL:
        raise AssertionError(f"memory was not exhausted: {_HOG} ended with {ended}")


def give_memory_back(host, mebibytes):
    host.limits.set_memory(mebibytes)


class StallingFilesystem:
    """A filesystem of the host's that stops answering between stall() and go_on(), as a dead NFS server does. `file` is in it."""

    def __init__(self, host, mountpoint="/mnt/stalling"):
        self._host, self._mountpoint = host, mountpoint
        self._switch = f"{mountpoint}.stall"
        self.file = f"{mountpoint}/slow"
        host.run(["mkdir", "-p", mountpoint], as_root=True)
        self._process = host.popen([_STALLING, self._switch, mountpoint, "-f", "-o", "allow_other"], as_root=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waiting.until(lambda: f" {mountpoint} " in host.run(["cat", "/proc/mounts"], as_root=True).stdout,
                      f"a filesystem on {mountpoint}")

    def stall(self):
        self._host.run(["touch", self._switch], as_root=True)

    def go_on(self):
        self._host.run(["rm", "-f", self._switch], as_root=True)

    def end(self):
        self.go_on()
        self._host.run(["umount", "-l", self._mountpoint], as_root=True, check=False)
        self._process.kill()
        self._process.wait()
