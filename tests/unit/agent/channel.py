"""What a home supervisor or another agent would say on a channel to a node, for tests."""
import os
import re
import struct
import subprocess

_VERSION_H = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../../supervisor/protocol/version.h")
with open(_VERSION_H) as _file:
    VERSION = int(re.search(r"kProtocolVersion = (\d+);", _file.read())[1])
HELLO, REFUSAL, HOLDING = 1, 2, 11
UNKNOWN, HELD, NOT_HELD = 0, 1, 2
AGENT, JOB, RESUME = 1, 2, 3


def varint(value):
    out = b""
    while value > 0x7f:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def hello(purpose, job="job1", version=VERSION, memory=0, node="tester", epoch=0, secret=None):
    """protocol.Hello by its field numbers."""
    text = lambda number, value: varint(number << 3 | 2) + varint(len(value)) + value.encode()
    number = lambda field, value: varint(field << 3) + varint(value)
    return (number(1, version) + text(2, node) + number(3, purpose) + text(4, job) + number(5, epoch) +
            text(7, "povray") + number(8, memory) + (b"" if secret is None else bytes_field(70, secret)))


def frame(kind, payload):
    return struct.pack("<IHHII", len(payload), kind, 0, 0, 0) + payload


def bytes_field(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


class Channel:
    """What a home supervisor would do: the node's command, and frames on its stdin and stdout."""

    def __init__(self, nodes, node):
        self.process = nodes.start("llrund", "--stdio", "--name", node, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   bufsize=0)

    def say(self, purpose, **fields):
        self.process.stdin.write(frame(HELLO, hello(purpose, **fields)))

    def exactly(self, count):
        got = b""
        while len(got) < count:
            piece = self.process.stdout.read(count - len(got))
            assert piece, f"the channel ended after {got!r}"
            got += piece
        return got

    def hear(self):
        length, kind, _, _, _ = struct.unpack("<IHHII", self.exactly(16))
        return kind, self.exactly(length).decode("utf-8", "replace")

    def hear_holding(self):
        """The state that a protocol.Holding says; its first field is the origin, which has three."""
        length, kind, _, _, _ = struct.unpack("<IHHII", self.exactly(16))
        payload = self.exactly(length)
        assert kind == HOLDING and payload[0] == 0x0A and payload[1] > 32, (kind, payload)
        rest = payload[2 + payload[1]:]
        return rest[1] if rest[0] == 0x10 else UNKNOWN

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
