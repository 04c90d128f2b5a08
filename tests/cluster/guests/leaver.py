#!/usr/bin/python3
"""Computes until `go` exists, does one thing that a guest may not do away from home, tells how it went, and computes
on until `enough` exists. Prints "did" and what came of it exactly once.

usage: leaver.py fork|exec|tcp PORT|unix PATH|device|fifo PATH|map FILE|nameless|undumpable|leader|watch
"""
import ctypes
import hashlib
import mmap
import os
import select
import socket
import sys
import threading


def compute_until(path):
    value = b"seed"
    while not os.path.exists(path):
        for _ in range(20000):
            value = hashlib.sha256(value).digest()


def do_fork():
    child = os.fork()
    if child == 0:
        os._exit(0 if os.getppid() > 0 else 1)
    return "child ended with %d" % os.waitpid(child, 0)[1]


def talk(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.connect(address)
        connection.sendall(b"hello\n")
        return connection.recv(100).decode().strip()


def do_device():
    with open("/dev/zero", "rb") as plain, open("/dev/tty" if os.isatty(0) else "/dev/ptmx", "rb", 0) as device:
        return f"{plain.read(3)!r} {device.fileno() > 2}"


def do_fifo(path):
    with open(path) as fifo:
        return fifo.read().strip()


def do_map(path):
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096) as area:
        area[:5] = b"wrote"
        return area[5:10].decode()


def do_nameless():
    file = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(file, b"text")
    return os.pread(file, 9, 0).decode()


def do_undumpable():
    set_dumpable = 4  # prctl(2)
    return ctypes.CDLL(None).prctl(set_dumpable, 0, 0, 0, 0)


def do_leader():
    """The first thread ends before the others; another one tells of it, and ends the program."""

    def go_on():
        while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
            pass
        print("did leader", do_fork(), flush=True)
        compute_until("enough")
        print("end", flush=True)
        os._exit(0)

    threading.Thread(target=go_on).start()
    ctypes.CDLL(None).syscall(60, 0)  # exit(2) of this thread alone


def do_watch():
    """Files cannot be watched by epoll."""
    said = []
    for path in (__file__, "."):
        file = os.open(path, os.O_RDONLY)
        try:
            select.epoll().register(file)
            said.append("watched")
        except PermissionError:
            said.append("refused")
    return " ".join(said)


DEEDS = {"fork": do_fork, "tcp": lambda port: talk(socket.AF_INET, ("127.0.0.1", int(port))),
         "unix": lambda path: talk(socket.AF_UNIX, path), "device": do_device, "fifo": do_fifo, "map": do_map,
         "nameless": do_nameless, "undumpable": do_undumpable, "leader": do_leader, "watch": do_watch}


def main():
    deed, words = sys.argv[1], sys.argv[2:]
    if deed != "executed":
        print("ready", flush=True)
        compute_until("go")
    if deed == "exec":
        os.execv(sys.executable, [sys.executable, __file__, "executed"])
    print("did", deed, "executed" if deed == "executed" else DEEDS[deed](*words), flush=True)
    compute_until("enough")
    print("end", flush=True)


if __name__ == "__main__":
    main()
