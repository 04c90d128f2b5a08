#!/usr/bin/python3
"""Opens its terminal again, by name and as /dev/tty, and uses each description when the file round-N appears.

usage: terminals.py [OTHER]    OTHER: a second terminal, which it writes to and reads from, too
"""
import fcntl
import os
import sys

NAME = os.ttyname(0)
OPENED = {
    "tty": ("/dev/tty", os.O_RDWR),
    "named": (NAME, os.O_RDONLY | os.O_NOCTTY),
    "written": (NAME, os.O_WRONLY | os.O_NOCTTY),
    "nonblocking": ("/dev/tty", os.O_RDWR | os.O_NONBLOCK),
}
if len(sys.argv) > 1:
    OPENED["other"] = (sys.argv[1], os.O_RDWR | os.O_NOCTTY)
DESCRIPTORS = {name: os.open(path, flags) for name, (path, flags) in OPENED.items()}


def tell(text, descriptor=1):
    os.write(descriptor, f"{text}\n".encode())


def check_flags():
    for name, (path, flags) in OPENED.items():
        fd, kept = DESCRIPTORS[name], os.O_ACCMODE | os.O_NONBLOCK
        shown = os.readlink(f"/proc/self/fd/{fd}")
        if shown != path or fcntl.fcntl(fd, fcntl.F_GETFL) & kept != flags & kept or not os.isatty(fd):
            tell(f"{name} is {shown}, {fcntl.fcntl(fd, fcntl.F_GETFL):o}")


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except OSError as error:
        return error.strerror


def play(number):
    tell(f"round {number} by descriptor 1")
    tell(f"round {number} by /dev/tty", DESCRIPTORS["tty"])
    tell(f"round {number} by name", DESCRIPTORS["written"])
    check_flags()
    tell(f"nothing typed: {attempt(os.read, DESCRIPTORS['nonblocking'], 100)}")
    tell(f"open for reading: {attempt(os.write, DESCRIPTORS['named'], b'x')}")
    tell(f"size {os.get_terminal_size(DESCRIPTORS['named'])}, group {os.tcgetpgrp(DESCRIPTORS['tty']) == os.getpgrp()}")
    if "other" in DESCRIPTORS:
        tell(f"round {number} elsewhere", DESCRIPTORS["other"])
        tell(f"from elsewhere: {os.read(DESCRIPTORS['other'], 100)}")
    tell("type: ")
    tell(f"typed {os.read(DESCRIPTORS['named' if number % 2 else 'tty'], 100)}")


with open("pid", "w") as file:
    file.write(str(os.getpid()))
tell("opened")
number = 1
while number < 5:
    while not os.path.exists(f"round-{number}"):
        sum(range(20000))
    play(number)
    number += 1
