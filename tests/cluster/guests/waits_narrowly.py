#!/usr/bin/python3
"""Waits for its input by select and by poll, each with no more memory than the call needs: behind it is memory that may not
be touched. A second thread changes what poll was asked about while it waits. Says what it found, a line a wait."""
import ctypes
import mmap
import struct
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
PAGE = 4096
PR_READ_ONLY = 1
SELECT = 23  # on x86-64


def narrow(content):
    """Its address, at the end of a page behind which there is nothing."""
    start = libc.mmap(None, 2 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    libc.mprotect(ctypes.c_void_p(start + PAGE), PAGE, 0)
    at = start + PAGE - len(content)
    ctypes.memmove(at, content, len(content))
    return at


def constant(content):
    at = narrow(content)
    libc.mprotect(ctypes.c_void_p(at & ~(PAGE - 1)), PAGE, PR_READ_ONLY)
    return at


def text(at, size):
    return ctypes.string_at(at, size).hex()


def wait_by_select():
    readable = narrow(struct.pack("L", 1))
    timeout = constant(struct.pack("ll", 1000, 0))
    print("selecting", flush=True)
    # The call itself: the library's makes another one of it, and writes the time that is left by itself.
    found = libc.syscall(SELECT, 1, ctypes.c_void_p(readable), None, None, ctypes.c_void_p(timeout))
    print("select", found, text(readable, 8), flush=True)


def wait_by_poll():
    entries = narrow(struct.pack("ihhihh", 0, 1, 0, -1, 1, 77))
    def change():
        ctypes.memmove(entries + 4, struct.pack("h", 9), 2)
        print("polling", flush=True)
    threading.Timer(0.5, change).start()
    found = libc.poll(ctypes.c_void_p(entries), ctypes.c_long(2), 1000_000)
    print("poll", found, text(entries, 16), flush=True)


def read_into_a_constant():
    at = constant(b"unchanged")
    print("reading", libc.read(0, ctypes.c_void_p(at), 9), text(at, 9), flush=True)


print("ready", flush=True)
sys.stdin.buffer.raw.read(1)
wait_by_select()
sys.stdin.buffer.raw.read(1)
wait_by_poll()
sys.stdin.buffer.raw.read(1)
read_into_a_constant()
