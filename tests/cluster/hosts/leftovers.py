"""What a cluster leaves on the machine while it lives, written down so that a later run can remove it after a crash.

/run/llrun-hosts/CLUSTER/state.json names the owner and each host's process 1 by pid *and* start time: a pid
alone may be somebody else's by now. Only what is proved to be ours in this way is touched.
"""
import json
import os
import shutil
import signal
import time

from .limits import Limits
from .pause import let_go_on

STATE = "/run/llrun-hosts"
DISKS = "/var/tmp/llrun-hosts"  # not in memory, on any machine
_LIMIT_S = 30


def start_time(pid):
    """Field 22 of /proc/PID/stat, in clock ticks since boot; None when there is no such process, or only its corpse."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def identity(pid):
    return {"pid": pid, "start": start_time(pid)}


def is_alive(who):
    return who is not None and who["start"] is not None and start_time(who["pid"]) == who["start"]


def wait_until(condition, what):
    """Polls; for what the kernel reports in no other way. Raises TimeoutError naming `what`."""
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_LIMIT_S} s for {what}")
        time.sleep(0.005)


def kill_host(who):
    """Killing process 1 of a pid namespace kills all in it."""
    if is_alive(who):
        os.kill(who["pid"], signal.SIGKILL)
        wait_until(lambda: not is_alive(who), f"host process {who['pid']} to end")


def save(cluster_id, state):
    path = f"{STATE}/{cluster_id}/state.json"
    with open(path + ".new", "w") as file:
        json.dump(state, file)
    os.rename(path + ".new", path)


def load(cluster_id):
    with open(f"{STATE}/{cluster_id}/state.json") as file:
        return json.load(file)


def remove_cluster(cluster_id):
    """Ends the cluster's hosts and removes its control groups and its directory. Whole or half made."""
    try:
        state = load(cluster_id)
    except FileNotFoundError:
        state = {"hosts": {}}
    for name, host in state["hosts"].items():
        let_go_on(Limits(f"{cluster_id}-{name}"))
        kill_host(host.get("init"))
    for name in state["hosts"]:
        _remove_limits(Limits(f"{cluster_id}-{name}"))
    for place in (STATE, DISKS):
        shutil.rmtree(f"{place}/{cluster_id}", ignore_errors=True)


def _remove_limits(limits):
    """A control group stays busy until its last corpse has been reaped."""
    def removed():
        try:
            limits.remove()
            return True
        except OSError:
            return False
    wait_until(removed, f"control group {limits.name} to be empty")


def sweep():
    """Removes every cluster whose owner has died. Clusters without an owner wait for `hosts down`."""
    for cluster_id in sorted(os.listdir(STATE)) if os.path.isdir(STATE) else []:
        try:
            state = load(cluster_id)
        except FileNotFoundError:
            continue  # being made at this moment
        if state["owner"] is not None and not is_alive(state["owner"]):
            remove_cluster(cluster_id)
