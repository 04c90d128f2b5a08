"""A bash in a real terminal of a host: its own session, its own controlling terminal, job control on."""
import fcntl
import os
import re
import struct
import termios

from . import waiting

_TIOCGPTN, _TIOCSPTLCK = 0x80045430, 0x40045431  # ioctl_tty(2)
PROMPT = "ready> "
_PROMPT_PATTERN = re.compile(PROMPT.encode())


def _open_pair(host):
    """A terminal of the host's own devpts, so that its programs find /dev/pts/N: (master, slave)."""
    master = os.open(host.path("/dev/pts/ptmx"), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    number = struct.unpack("i", fcntl.ioctl(master, _TIOCGPTN, bytes(4)))[0]
    os.chown(host.path(f"/dev/pts/{number}"), host.uid, 5)
    return master, os.open(host.path(f"/dev/pts/{number}"), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


class Terminal:
    """Types at a bash and reads what the screen would show."""

    def __init__(self, host, directory=None, environment=None):
        self.master, slave = _open_pair(host)
        self.resize(24, 80)
        shell = ["setsid", "--ctty", "--wait", "bash", "--norc", "--noprofile", "--noediting", "-i"]
        variables = {"PS1": PROMPT, "TERM": "dumb", "HISTFILE": "/dev/null"} | (environment or {})
        self.process = host.popen(shell, environment=variables, directory=directory, stdin=slave, stdout=slave,
                                  stderr=slave)
        os.close(slave)
        self.output = waiting.Output(self.master)
        self.wait_for_prompt()

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, pattern):
        return self.output.wait_for(re.compile(pattern))

    def wait_for_prompt(self):
        """What came before the prompt."""
        before = self.output._seen
        match = self.output.wait_for(_PROMPT_PATTERN)
        return self.output.text[before:match.start()].decode(errors="replace").replace("\r", "")

    def run(self, line):
        """Types a line and returns what it printed up to the next prompt, without its echo."""
        self.type(line + "\n")
        return self.wait_for_prompt().partition("\n")[2]

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self):
        """Hangs up; the shell and its jobs get SIGHUP."""
        os.close(self.master)
        self.process.wait(waiting.LIMIT_S)


CTRL_C, CTRL_D, CTRL_Z = "\x03", "\x04", "\x1a"
