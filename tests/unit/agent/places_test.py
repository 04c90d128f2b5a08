"""One agent for a user and node, whatever the environment says and whatever becomes of its directories."""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nodes import Nodes, become_ordinary, wait_for  # noqa: E402

BUILT = sys.argv.pop(1)


class PlacesTest(unittest.TestCase):
    def setUp(self):
        self.nodes = Nodes(BUILT, "exchange = 200ms\n")
        self.addCleanup(self.nodes.__exit__)
        self.always = os.path.join(self.nodes.top, "tmp", f"llrun-{os.getuid()}")
        self.program = self.nodes.start("llrun", "--name", "a", "sleep", "1000")
        wait_for("its supervisor", lambda: self.pids() == [self.program.pid])
        self.agent = self.nodes.status("a")["pid"]

    def pids(self, **env):
        done = self.nodes.run("llrunctl", "--name", "a", "ps", "--json", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line)["pid"] for line in done.stdout.splitlines()]

    def log_out(self):
        shutil.rmtree(self.nodes.run_directory)

    def log_in(self):
        os.mkdir(self.nodes.run_directory, 0o700)

    def is_the_same(self):
        self.assertEqual(self.nodes.status("a")["pid"], self.agent)
        self.assertEqual(self.pids(), [self.program.pid])

    def agents(self):
        found = []
        for pid in self.nodes.ours():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue  # has ended meanwhile
            if words[0].endswith(b"llrund") and b"--stdio" not in words:
                found.append(pid)
        return found

    @staticmethod
    def answers_at(path):
        """The process that listens there; None: nobody does."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            try:
                asking.connect(path)
            except (ConnectionRefusedError, FileNotFoundError):
                return None
            return struct.unpack("iII", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]

    def listens_in(self, directory):
        wait_for(f"its socket in {directory}", lambda: os.path.exists(os.path.join(directory, "a.sock")))

    def test_the_environment_leads_nobody_elsewhere(self):
        elsewhere = os.path.join(self.nodes.top, "elsewhere")
        os.mkdir(elsewhere, 0o700)
        for value in (elsewhere, self.nodes.run_directory, "/no/such", ""):
            self.assertEqual(self.pids(XDG_RUNTIME_DIR=value), [self.program.pid], value)
        self.assertEqual(self.agents(), [self.agent])
        self.assertEqual(os.listdir(elsewhere), [])

    def test_a_logout_and_a_login(self):
        self.log_out()
        self.is_the_same()
        self.log_in()
        self.is_the_same()
        self.listens_in(os.path.join(self.nodes.run_directory, "llrun"))
        self.is_the_same()
        wait_for("the loads there", lambda: os.path.exists(os.path.join(self.nodes.run_directory, "llrun", "a.loads")))
        self.assertEqual(self.agents(), [self.agent])

    def test_all_its_directories_removed(self):
        self.nodes.ctl("a", "block")
        self.log_out()
        shutil.rmtree(self.always)
        self.is_the_same()
        self.listens_in(self.always)
        self.is_the_same()
        wait_for("the switches there", lambda: os.path.exists(os.path.join(self.always, "a.switches")))
        self.assertEqual(self.agents(), [self.agent])

    def test_a_socket_that_another_was_put_in_place_of(self):
        path = os.path.join(self.always, "a.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.bind(path + ".other")
        os.rename(path + ".other", path)  # at once: the agent binds anew as soon as it sees none
        # By who answers, not by the file: a new one may get the inode number of the one that it replaces.
        wait_for("its own again", lambda: self.answers_at(path) == self.agent)
        self.is_the_same()

    def test_a_channel_finds_it_after_a_logout(self):
        self.log_out()
        channel = self.nodes.start("llrund", "--stdio", "--name", "a", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        channel.stdin.close()
        self.assertEqual(channel.wait(60), 0)
        self.assertEqual(self.agents(), [self.agent])

    def test_those_that_start_at_once_are_one(self):
        os.kill(self.agent, 9)
        for directory in (self.always, self.nodes.run_directory):
            shutil.rmtree(directory)
        asking = [self.nodes.start("llrund", "--background", "--name", "a") for _ in range(8)]
        asking += [self.nodes.start("llrunctl", "--name", "a", "ps", stdout=subprocess.DEVNULL) for _ in range(8)]
        for process in asking:
            process.wait(60)
        wait_for("the program", lambda: self.pids() == [self.program.pid])
        wait_for("one agent", lambda: len(self.agents()) == 1)


if __name__ == "__main__":
    become_ordinary()
    unittest.main(verbosity=2)
