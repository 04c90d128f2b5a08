#!/usr/bin/python3 -B
"""A guest that wants what cannot be done away from home comes home, does it there, once, and goes on."""
import errno
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import ballast, case, faults, waiting  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
# A server on home that answers each line it is sent with how many it has had: a deed done twice would show.
SERVER = """
import socket, sys
kind, address = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
listener.bind(address if kind == "unix" else ("127.0.0.1", int(address)))
listener.listen()
print("listening", flush=True)
count = 0
while True:
    connection, _ = listener.accept()
    count += 1
    connection.recv(100)
    connection.sendall(f"visit {count}\\n".encode())
    connection.close()
"""

# Says after each line of input how a file that it has mapped begins. It has more memory than may be on its way at a time.
MAPS = """
import mmap, os, sys
held = os.urandom(100 << 20)
with open("mapped", "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
print("ready", flush=True)
for line in sys.stdin:
    print(line.strip(), mapped[:10].decode(), flush=True)
"""

# Has a signal that waits, and opens a device when it is told to; says how many signals waited, once it is told to look.
OPENS_A_DEVICE = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
os.kill(os.getpid(), signal.SIGRTMIN)
print("ready", flush=True)
sys.stdin.readline()
device = open("/dev/random", "rb", buffering=0)
print("open", flush=True)
sys.stdin.readline()
waited = 0
while signal.sigtimedwait({signal.SIGRTMIN}, 0): waited += 1
print("waited", waited, "read", len(device.read(8)), flush=True)
"""

WAITS_FOR_SIGNALS = """
import signal, sys
wanted = {signal.SIGUSR1, signal.SIGRTMIN}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
sys.stdin.readline()
while signal.sigpending() != wanted: pass
print("waiting", len(signal.sigpending()), flush=True)
sys.stdin.readline()
for _ in wanted:
    info = signal.sigwaitinfo(wanted)
    print("signal", info.si_signo, "code", info.si_code, "from", info.si_pid, "user", info.si_uid, flush=True)
"""
# Says what it has counted after each signal, until its input ends.
COUNTS_SIGNALS = """
import signal, sys, threading
counts = dict.fromkeys((signal.SIGUSR1, signal.SIGRTMIN), 0)
signal.pthread_sigmask(signal.SIG_BLOCK, counts)
reader = threading.Thread(target=sys.stdin.read)
reader.start()
print("counted 0 0", flush=True)
while reader.is_alive():
    info = signal.sigtimedwait(counts, 0.1)
    if info:
        counts[info.si_signo] += 1
        print("counted", *counts.values(), flush=True)
"""
QUEUES = """
import ctypes, signal, sys
if ctypes.CDLL(None).sigqueue(int(sys.argv[1]), signal.SIGRTMIN, ctypes.c_void_p(4711)) != 0: sys.exit("not sent")
"""
# Waits for a message that never comes. No flag of its handler has such a call made again (signal(7)).
RECEIVES = """
import ctypes, signal
libc = ctypes.CDLL(None, use_errno=True)
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.siginterrupt(signal.SIGUSR1, False)
queue = libc.msgget(0, 0o600)
print("ready", flush=True)
result = libc.msgrcv(queue, ctypes.create_string_buffer(64), 32, 0, 0)
print("received", result, ctypes.get_errno(), flush=True)
libc.msgctl(queue, 0, None)
"""


class ComesHome(case.ProductCase):
    def test_a_signal_on_the_way_interrupts_the_call_that_it_comes_home_for(self):
        self.product.allow_holds()
        job = self.start(["python3", "-c", RECEIVES])
        job.output.wait_for(case.pattern("ready\n"))
        self.product.known(job.pid)
        held = self.product.hold(self.a, "home-Returning")
        self.product.must("migrate", job.pid, "b")
        held.wait()
        self.a.run(["kill", "-USR1", str(job.pid)])
        held.let_go()
        job.output.wait_for(case.pattern(f"received -1 {errno.EINTR}\n"))
        self.assertEqual(job.wait(), 0, job.err)

    def deed(self, directory, under_llrun, words):
        """Plays one deed; gives what the program said."""
        self.a.put(f"{GUESTS}/leaver.py", f"{directory}/leaver.py")
        job = self.start(["./leaver.py", *words], under_llrun=under_llrun, directory=f"{self.a.home}/{directory}")
        job.output.wait_for(case.pattern("ready\n"))
        if under_llrun:
            self.product.migrate(job.pid, "b")
        self.a.write(f"{directory}/go", "")
        job.output.wait_for(case.pattern("did .*\n"))
        if under_llrun:
            self.assert_it_came_home(job.pid)
        self.a.write(f"{directory}/enough", "")
        self.assertEqual(job.wait(), 0, job.err)
        return job.out

    def assert_it_came_home(self, pid):
        self.product.arrive(pid, "a")
        row = self.product.row(pid)
        self.assertTrue(row["last_reason"], row)

    def assert_same(self, *words):
        self.assertEqual(self.deed("moved", True, words), self.deed("bare", False, words))

    def serve(self, kind, address):
        server = self.a.popen(["python3", "-c", SERVER, kind, address], stdout=-1)
        self.addCleanup(self._end_server, server)
        waiting.Output(server.stdout.fileno()).wait_for(case.pattern("listening"))

    def _end_server(self, server):
        self.a.run(["pkill", "-f", "listener.accept"], check=False)
        server.communicate()

    def test_fork_and_wait(self):
        self.assert_same("fork")

    def test_exec(self):
        self.assert_same("exec")

    def test_a_file_without_a_name(self):
        self.assert_same("nameless")

    def test_what_may_not_be_looked_into_is_still_told_of(self):
        """It is known to have come home, though nothing of it can be measured there any more."""
        self.assert_same("undumpable")

    def test_tcp_connection(self):
        self.serve("tcp", "4711")
        self.assertIn(b"visit 1\n", self.deed("moved", True, ("tcp", "4711")))
        self.assertIn(b"visit 2\n", self.deed("bare", False, ("tcp", "4711")))

    def test_unix_socket(self):
        path = f"{self.a.home}/server.sock"
        self.serve("unix", path)
        self.assertIn(b"visit 1\n", self.deed("moved", True, ("unix", path)))
        self.assertIn(b"visit 2\n", self.deed("bare", False, ("unix", path)))

    def test_the_first_thread_ends_before_the_others(self):
        self.assert_same("leader")

    def test_files_that_cannot_be_watched(self):
        self.assert_same("watch")

    def test_device(self):
        self.assert_same("device")

    def test_fifo(self):
        self.a.run(["mkfifo", "fifo"])
        for name, under_llrun in (("moved", True), ("bare", False)):
            writer = threading.Thread(target=lambda: self.a.shell("echo through the fifo > fifo"))
            writer.start()
            said = self.deed(name, under_llrun, ("fifo", f"{self.a.home}/fifo"))
            writer.join()
            self.assertIn(b"did fifo through the fifo\n", said)

    def test_shared_writable_mapping(self):
        for name, under_llrun in (("moved", True), ("bare", False)):
            path = self.a.write(f"{name}.mapped", "-" * 5 + "there" + "-" * 4086)
            self.assertIn(b"did map there\n", self.deed(name, under_llrun, ("map", path)))
            self.assertTrue(self.a.read(f"{name}.mapped").startswith("wrotethere"))

    def test_what_home_cannot_take_goes_on_away_until_it_can(self):
        """Its working directory may not be entered any more. A file that is mapped and is another one now hinders nobody."""
        self.a.write("work/mapped", "as it was " * 1000)
        job = self.start(["python3", "-c", MAPS], directory=f"{self.a.home}/work", piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        self.a.run(["mv", "work/mapped", "work/aside"])
        self.a.write("work/mapped", "another " * 1000)
        self.a.run(["chmod", "0", "work"])
        self.product.ctl("home", str(job.pid))
        self.product.wait_for_log("the program cannot come home: ")
        job.feed(b"one\n")
        job.output.wait_for(case.pattern("one as it was \n"))
        self.assertEqual(self.product.where(job.pid), "b")
        self.a.run(["chmod", "755", "work"])
        self.product.arrive(job.pid, "a")
        job.feed(b"two\n")
        job.output.wait_for(case.pattern("two as it was \n"))
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)

    def tries_to_leave(self):
        return self.product.log(self.b).count("the program goes home: ")

    def test_what_home_cannot_take_at_the_last_moment_goes_on_away_until_it_can(self):
        """Its shadow is nearly the program by then, and a shadow again afterwards: what waits for the program waits once."""
        job = self.start(["python3", "-c", OPENS_A_DEVICE], piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        job.feed(b"open it\n")
        job.output.wait_for(case.pattern("open\n"))
        self.a.run(["chmod", "0", "/dev/random"], as_root=True)
        tries_before, asked = self.tries_to_leave(), time.monotonic()
        self.product.ctl("home", str(job.pid))
        waiting.until(lambda: self.product.log().count("the program cannot come home: ") > 1, self.product._log_end)
        self.assertEqual(self.product.where(job.pid), "b")
        self.a.run(["chmod", "666", "/dev/random"], as_root=True)
        self.product.arrive(job.pid, "a")
        tries = self.tries_to_leave() - tries_before
        self.assertGreater(tries, 1)
        # Between two there is a pause: of half a second first, and then each twice the one before.
        self.assertLessEqual(0.5 * (2 ** (tries - 1) - 1), time.monotonic() - asked)
        job.feed(b"look\n")
        job.output.wait_for(case.pattern("waited 1 read 8\n"))
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)

    def test_a_signal_that_waits_comes_home_as_it_was_sent(self):
        job = self.start(["python3", "-c", WAITS_FOR_SIGNALS], piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        sender = self.a.shell(f"echo $$; kill -USR1 {job.pid}").strip()
        self.a.run(["python3", "-c", QUEUES, str(job.pid)])
        job.feed(b"are they here?\n")
        job.output.wait_for(case.pattern("waiting 2\n"))
        self.product.bring_home(job.pid)
        job.feed(b"take them\n")
        job.close_input()
        self.assertEqual(job.wait(), 0, job.err)
        self.assertIn(f"signal {signal.SIGUSR1:d} code 0 from {sender} user {self.a.uid}\n", job.out.decode())
        self.assertIn(f"signal {signal.SIGRTMIN:d} code -1 ", job.out.decode())


class OnItsWayHome(case.ProductCase):
    """Signals for a program that has been captured for its way home, which its node's kernel cannot take along."""

    def setUp(self):
        super().setUp()
        self.product.allow_holds()
        self.a.shell("mkdir work")
        self.job = self.start(["python3", "-c", COUNTS_SIGNALS], directory=f"{self.a.home}/work", piped=True)
        self.job.output.wait_for(case.pattern("counted 0 0\n"))
        self.sent = 0

    def send_while_held_at(self, point):
        held = self.product.hold(self.a, point)
        self.product.must("home", self.job.pid)
        held.wait()
        self.a.shell(f"kill -USR1 {self.job.pid}")
        for _ in range(2):
            self.a.run(["python3", "-c", QUEUES, str(self.job.pid)])
        self.sent += 1
        held.let_go()

    def assert_each_came_once(self):
        self.job.output.wait_for(case.pattern(f"counted {self.sent} {2 * self.sent}\n"))

    def finish(self):
        self.job.close_input()
        self.assertEqual(self.job.wait(), 0, self.job.err)
        self.assertTrue(self.job.out.endswith(f"counted {self.sent} {2 * self.sent}\n".encode()), self.job.out)

    def test_they_come_after_it(self):
        for point in ("home-HomeImage", "home-PagesEnd"):
            self.product.migrate(self.job.pid, "b")
            self.send_while_held_at(point)
            self.product.arrive(self.job.pid, "a")
            self.assert_each_came_once()
        self.finish()

    def test_it_gets_them_away_if_it_stays(self):
        self.product.migrate(self.job.pid, "b")
        self.a.run(["chmod", "0", "work"])
        self.send_while_held_at("home-HomeImage")
        self.assert_each_came_once()
        self.assertEqual(self.product.where(self.job.pid), "b")
        self.a.run(["chmod", "755", "work"])
        self.product.arrive(self.job.pid, "a")
        self.finish()


class InDoubt(case.ProductCase):
    """Home has not given the program up yet: it runs, and nothing that it asks for is done."""
    SLEEPS = "import select\nprint('ready', flush=True)\nselect.select([], [], [], 3600)"

    @staticmethod
    def calls(host):
        """That programs of python3 sleep in there, by their numbers."""
        return [host.run(["cat", f"/proc/{pid}/syscall"], as_root=True).stdout.split()[0]
                for pid, _, words in faults.processes(host) if words.startswith("python3 -c")]

    def test_it_sleeps_again_before_home_has_given_it_up(self):
        """Its code is in a file of home's."""
        self.product.allow_holds()
        job = self.start(["python3", "-c", self.SLEEPS])
        job.output.wait_for(case.pattern("ready\n"))
        waiting.until(lambda: self.calls(self.a)[0].isdigit(), "the program to sleep at home")
        slept_in = self.calls(self.a)
        self.product.known(job.pid)
        held = self.product.hold(self.a, "home-Confirming")
        ballast.start_to_move(self, job)
        held.wait()
        waiting.until(lambda: self.calls(self.b) == slept_in, "the guest to sleep in its call", limit=10)
        held.let_go()
        self.product.arrive(job.pid, "b")


class CalledOff(case.ProductCase):
    """Its user wants it at home while it is on its way."""

    def setUp(self):
        super().setUp()
        self.product.allow_holds()
        self.job = self.start(["python3", "-c", "import sys\nprint('ready', flush=True)\nprint(sys.stdin.readline())"],
                              piped=True)
        self.job.output.wait_for(case.pattern("ready\n"))
        self.product.known(self.job.pid)

    def held_at(self, host, point):
        held = self.product.hold(host, point)
        asked = self.a.popen(["llrunctl", "migrate", str(self.job.pid), "b"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        self.addCleanup(asked.communicate)
        held.wait()
        said = self.product.must("home", self.job.pid)
        held.let_go()
        return said, asked

    def finish(self):
        self.job.feed(b"enough\n")
        self.job.close_input()
        self.assertEqual(self.job.wait(), 0, self.job.err)
        self.assertIn(b"enough\n", self.job.out)

    def test_a_move_is_called_off(self):
        for state in ("Preparing", "Freezing", "Transferring"):
            said, asked = self.held_at(self.a, f"home-{state}")
            self.assertIn("its move to b is called off", said)
            self.assertIn("being called off", asked.communicate()[1])
            self.assertEqual((self.product.where(self.job.pid), self.product.moves(self.job.pid)), ("a", 0))
        self.assertIn(f"process {self.job.pid} is at home", self.product.must("home", self.job.pid))
        self.finish()

    def test_after_the_commit_it_comes_home_from_there(self):
        for moves, state in enumerate(("Committing", "Confirming"), start=1):
            said, _ = self.held_at(self.a, f"home-{state}")
            self.assertIn("it is on its way home", said)
            waiting.until(lambda moves=moves: (self.product.moves(self.job.pid), self.product.where(self.job.pid)) ==
                          (moves, "a"), "it to have been away and to be home again")
        self.finish()


if __name__ == "__main__":
    case.main()
