"""A host that sleeps, as far as it can be had without a machine of its own: it stands still, and its supervisors and its
agent then find that their CLOCK_MONOTONIC has stood still, too (docs/protocol.md, "Suspends")."""
import os
import struct
import time

from hosts import pause


def _file(host):
    return f".local/state/llrun/{host.spec['machine_id']}/hold/slept"


def prepare(host):
    """What starts on the host from here on can be told that it has slept."""
    if not host.exists(_file(host)):
        host.write(_file(host), "\0" * 8)


def suspend(host, seconds):
    """Returns when the host is awake again. In place: the file is mapped by all whom it concerns."""
    with pause.Pause(host):
        began = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        time.sleep(seconds)
        with open(host.path(_file(host)), "r+b", buffering=0) as file:
            (before,) = struct.unpack("<q", os.pread(file.fileno(), 8, 0))
            slept = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - began
            os.pwrite(file.fileno(), struct.pack("<q", before + slept), 0)
