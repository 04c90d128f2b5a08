#!/usr/bin/python3
"""Process 1 of a test host: builds the root, keeps an sshd, reports "ready PID", and reaps whatever is orphaned.

usage: init.py SPEC.json STAGE, started by unshare(1) in fresh namespaces. PID is the number outside.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from hosts import root_tree, syscalls  # noqa: E402  (the path must be known first)
from hosts.limits import ENDED_BEFORE_THE_HOST  # noqa: E402


def _loopback_up():
    subprocess.run(["/usr/sbin/ip", "link", "set", "lo", "up"], check=True)


def _start_sshd():
    """Its process id."""
    return subprocess.Popen(ENDED_BEFORE_THE_HOST + ["/usr/sbin/sshd", "-D", "-E", "/var/log/sshd.log"],
                            start_new_session=True,
                            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])).pid


def _await_sshd():
    """It writes its file when it listens."""
    for _ in range(1000):
        if os.path.exists(root_tree.SSHD_PID):
            return
        time.sleep(0.01)
    raise RuntimeError("sshd does not listen; see /var/log/sshd.log of the host")


def _keep_house(sshd):
    """Waits for children as they come, with none left for the next signal. An sshd that was ended is replaced, at most ten
    times a second: where there is no memory for one, the next is ended too."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    while True:
        try:
            pid, _ = os.wait()
        except ChildProcessError:
            signal.sigwait([signal.SIGCHLD])
            continue
        if pid == sshd:
            time.sleep(0.1)
            sshd = _start_sshd()


def main(spec_path, stage):
    pid_outside = os.readlink("/proc/self")  # this proc is still the machine's
    with open(spec_path) as file:
        spec = json.load(file)
    os.umask(0o022)
    socket.sethostname(spec["name"])
    root_tree.enter(stage, spec)
    syscalls.set_process_name("host-" + spec["name"])
    _loopback_up()
    sshd = _start_sshd()
    _await_sshd()
    print("ready", pid_outside, flush=True)
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    _keep_house(sshd)


if __name__ == "__main__":
    main(*sys.argv[1:])
