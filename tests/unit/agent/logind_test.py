#!/usr/bin/python3 -B
"""What an agent does when systemd-logind says that the node is about to sleep or to end. Logind is python3-dbusmock's, on a
system bus of the test's own; supervisors are fake.

usage: logind_test.py DIRECTORY_OF_THE_PROGRAMS
"""
import os
import pwd
import subprocess
import sys
import unittest

import dbus
import dbusmock

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from channel import HELLO, JOB, REFUSAL, Channel  # noqa: E402
from nodes import Nodes, wait_for  # noqa: E402

BUILT = sys.argv.pop(1) if len(sys.argv) > 1 else "build/dev/bin"


def become_nobody():
    """An ordinary user, but one with an account: a bus looks for its own."""
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
        os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)


class WithLogind(dbusmock.DBusTestCase):
    @classmethod
    def setUpClass(cls):
        cls.start_system_bus()

    def setUp(self):
        self.server, self.logind = self.spawn_server_template("logind", {}, stdout=subprocess.DEVNULL)
        self.addCleanup(self.end_server)
        self.bus = self.get_dbus(system_bus=True)
        self.nodes_ = Nodes(BUILT, "exchange = 200ms\n")
        self.addCleanup(self.nodes_.__exit__)
        self.nodes_.env["DBUS_SYSTEM_BUS_ADDRESS"] = os.environ["DBUS_SYSTEM_BUS_ADDRESS"]

    def end_server(self):
        if self.server.poll() is None:
            self.server.terminate()
        self.server.wait()

    def manager(self):
        return dbus.Interface(self.bus.get_object("org.freedesktop.login1", "/org/freedesktop/login1"),
                              "org.freedesktop.login1.Manager")

    def locks(self):
        return [tuple(map(str, lock[:4])) for lock in self.manager().ListInhibitors()]

    def wait_for_lock(self):
        wait_for("the lock", lambda: len(self.locks()) == 1)

    def wait_for_no_lock(self):
        wait_for("the lock to be let go", lambda: self.locks() == [])

    def say(self, what, begins):
        self.logind.EmitSignal("org.freedesktop.login1.Manager", what, "b", [begins])

    def guest(self, job="job7"):
        channel = Channel(self.nodes_, "b")
        channel.say(JOB, job=job)
        return channel

    def guest_that_is_there(self):
        channel = self.guest()
        self.assertEqual(channel.hear()[0], HELLO)
        wait_for("the guest", lambda: self.nodes_.rows("b", "ps"))
        return channel

    def log(self):
        state = self.nodes_.env["XDG_STATE_HOME"] + "/llrun"
        with open(os.path.join(state, os.listdir(state)[0], "log"), encoding="utf-8") as log:
            return log.read()


class Sleeping(WithLogind):
    def test_it_asks_to_be_waited_for(self):
        self.assertEqual(self.locks(), [])
        self.nodes_.rows("b", "ps")
        self.wait_for_lock()
        what, who, _, mode = self.locks()[0]
        self.assertEqual((what, who, mode), ("sleep:shutdown", "llrun", "delay"))

    def test_with_nobody_to_miss_it_may_sleep_at_once(self):
        self.nodes_.rows("b", "ps")
        self.wait_for_lock()
        self.say("PrepareForSleep", True)
        self.wait_for_no_lock()
        self.say("PrepareForSleep", False)
        self.wait_for_lock()
        self.assertIn("node b is awake", self.log())

    def test_guests_are_asked_to_go_home_and_none_is_let_in(self):
        self.logind.AddProperty("org.freedesktop.login1.Manager", "InhibitDelayMaxUSec", dbus.UInt64(50_000_000))
        guest = self.guest_that_is_there()
        self.wait_for_lock()
        self.say("PrepareForSleep", True)
        wait_for("the order", lambda: "come home" in self.nodes_.traced())
        kind, words = self.guest("job8").hear()
        self.assertEqual(kind, REFUSAL)
        self.assertIn("about to sleep", words)
        self.assertEqual(len(self.locks()), 1, "the guest is still here")
        guest.close()
        self.wait_for_no_lock()
        self.say("PrepareForSleep", False)
        self.wait_for_lock()
        self.guest_that_is_there()

    def test_what_does_not_fit_into_the_delay_is_left(self):
        self.logind.AddProperty("org.freedesktop.login1.Manager", "InhibitDelayMaxUSec", dbus.UInt64(500_000))
        self.guest_that_is_there()
        self.wait_for_lock()
        self.say("PrepareForSleep", True)
        self.wait_for_no_lock()
        self.assertIn("1 guests are still here, and 0 programs away", self.log())

    def test_own_programs_that_are_away_come_home(self):
        self.nodes_.env["LLRUN_FAKE_REPORT"] = 'state: "Away" where: "c"'
        self.nodes_.start("llrun", "--name", "b", "sleep", "1000")
        wait_for("the program", lambda: any(row["where"] == "c" for row in self.nodes_.rows("b", "ps")))
        self.wait_for_lock()
        self.say("PrepareForSleep", True)
        wait_for("the order", lambda: "come home" in self.nodes_.traced())

    def test_a_node_that_shuts_down_sends_its_guests_home(self):
        self.guest_that_is_there()
        self.wait_for_lock()
        self.say("PrepareForShutdown", True)
        wait_for("the order", lambda: "come home" in self.nodes_.traced())
        self.assertIn("node b shuts down: guests go home", self.log())

    def test_a_logind_that_is_started_again_is_asked_again(self):
        self.nodes_.rows("b", "ps")
        self.wait_for_lock()
        self.end_server()
        self.server, self.logind = self.spawn_server_template("logind", {}, stdout=subprocess.DEVNULL)
        self.wait_for_lock()


class Without(unittest.TestCase):
    def test_no_bus_is_no_fault(self):
        with Nodes(BUILT, "") as nodes:
            nodes.env["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nowhere"
            self.assertEqual(nodes.rows("b", "ps"), [])
            self.assertIsNotNone(nodes.agent("b"))


if __name__ == "__main__":
    become_nobody()
    unittest.main(verbosity=2)
