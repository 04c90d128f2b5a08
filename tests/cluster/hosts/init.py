#!/usr/bin/python3
"""Process 1 of a test host: builds the root, starts sshd, reports "ready PID", then reaps whatever is orphaned.

usage: init.py SPEC.json STAGE, started by unshare(1) in fresh namespaces. PID is the number outside.
"""
import json
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from hosts import root_tree, syscalls  # noqa: E402  (the path must be known first)


def _loopback_up():
    subprocess.run(["/usr/sbin/ip", "link", "set", "lo", "up"], check=True)


def _start_sshd():
    subprocess.run(["/usr/sbin/sshd", "-E", "/var/log/sshd.log"], check=True)


def _reap_forever():
    """Waits for children as they come; with none left, for the next signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    while True:
        try:
            os.wait()
        except ChildProcessError:
            signal.sigwait([signal.SIGCHLD])


def main(spec_path, stage):
    pid_outside = os.readlink("/proc/self")  # this proc is still the machine's
    with open(spec_path) as file:
        spec = json.load(file)
    os.umask(0o022)
    socket.sethostname(spec["name"])
    root_tree.enter(stage, spec)
    syscalls.set_process_name("host-" + spec["name"])
    _loopback_up()
    _start_sshd()
    print("ready", pid_outside, flush=True)
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    _reap_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
