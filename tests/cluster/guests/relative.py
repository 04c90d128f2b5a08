#!/usr/bin/python3
"""A program with relatives, which tells of its parents and of the signals that it takes by sigtimedwait(2).

usage: relative.py household | guest
  household  takes in orphans (a subreaper); starts a parent, which starts `llrun relative.py guest`; tells
             "household REAPER PARENT GUEST" and waits for them all
  guest      wants SIGUSR2 when its parent dies; tells "took SIGNAL CODE SENDER PARENT" for each signal, and
             "parent PARENT signalled" (or not) when it has another one, until `enough` exists and no signal waits
"""
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
TAKEN = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN)


def prctl(option, value):
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def live_as_parent():
    guest = os.fork()
    if guest == 0:
        os.execvp("llrun", ["llrun", "--stay", "--", sys.argv[0], "guest"])
    print("household", os.getppid(), os.getpid(), guest, flush=True)
    os.waitpid(guest, 0)
    os._exit(0)


def household():
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.fork() == 0:
        live_as_parent()
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


def guest():
    signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)
    prctl(PR_SET_PDEATHSIG, signal.SIGUSR2)
    parent, signalled = os.getppid(), False
    print("ready", flush=True)
    while (taken := signal.sigtimedwait(TAKEN, 0.1)) or not os.path.exists("enough"):
        if taken:
            signalled |= taken.si_signo == signal.SIGUSR2
            print("took", taken.si_signo, taken.si_code, taken.si_pid, os.getppid(), flush=True)
        if os.getppid() != parent:
            parent = os.getppid()
            signalled |= signal.SIGUSR2 in signal.sigpending()
            print("parent", parent, "signalled" if signalled else "not signalled", flush=True)
            signalled = False
    print("end", flush=True)


{"household": household, "guest": guest}[sys.argv[1]]()
