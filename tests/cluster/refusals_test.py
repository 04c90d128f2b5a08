#!/usr/bin/python3 -B
"""What a program may have without being held: its terminal opened again, an executable or a library that was
replaced under it, a limit of file sizes, direct I/O. What holds it is said before it is ever stopped, and what
failed is not tried again by itself.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec, build_directory  # noqa: E402
from scenario import case, product, waiting  # noqa: E402
from scenario.terminal import Terminal  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")
JOURNEY = ("b", "a", "b")
# Stands at its own name, computing, until told to tell.
RUNNER = """
import os, sys, time, zlib
print("ready", flush=True)
asked = 0
while asked < int(sys.argv[1]):
    while not os.path.exists(f"tell-{asked}"):
        sum(range(20000))
    print(os.readlink("/proc/self/exe"), zlib.crc32(b"text"), flush=True)
    asked += 1
"""
# Writes blocks until it may not, says what came of each, and goes on after raising its limit.
LIMITED = """
import os, resource, signal, sys, threading
hits = []
signal.signal(signal.SIGXFSZ, lambda number, frame: hits.append(number))
def tell(*words): os.write(2, (" ".join(map(str, words)) + "\\n").encode())
def attempt(function, *arguments):
    try: result = function(*arguments)
    except OSError as error: result = error.strerror
    tell(function.__name__, result, len(hits))
    return result
open("pid", "w").write(str(os.getpid()))
tell("ready")
while not os.path.exists("go"): sum(range(20000))
tell(resource.getrlimit(resource.RLIMIT_FSIZE))
while attempt(os.write, 1, b"x" * 1500) == 1500: pass
attempt(os.write, 1, b"y")
attempt(os.writev, 1, [b"a" * 10, b"b" * 10])
own = os.open("own", os.O_CREAT | os.O_RDWR, 0o600)
attempt(os.write, own, b"z" * 5000)
attempt(os.write, own, b"z" * 50000)
attempt(os.write, own, b"z")
attempt(os.pwrite, own, b"z" * 10, 8190)
attempt(os.ftruncate, own, 8192)
attempt(os.ftruncate, own, 8193)
attempt(os.truncate, "own", 100000)
attempt(os.posix_fallocate, own, 8000, 1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (12288, 16384))
tell(resource.getrlimit(resource.RLIMIT_FSIZE))
while attempt(os.write, 1, b"w" * 1500) == 1500: pass
def by_another():
    attempt(os.write, 1, b"v")
    tell("of the thread:", signal.SIGXFSZ in signal.sigpending())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGXFSZ])
other = threading.Thread(target=by_another)
other.start()
other.join()
tell("of all:", signal.SIGXFSZ in signal.sigpending())
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGXFSZ])
tell(resource.prlimit(os.getpid(), resource.RLIMIT_FSIZE, (14336, 16384)))
while attempt(os.write, 1, b"u" * 500) == 500: pass
try: resource.setrlimit(resource.RLIMIT_FSIZE, (12288, 999999))
except (ValueError, OSError) as error: tell(error)
attempt(os.write, own, b"z" * 50000)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.write(1, b"the end")
"""
HOLDER = """
import mmap, os, sys
kind = sys.argv[1]
if kind == "directory":
    os.mkdir("removed"); os.chdir("removed"); os.rmdir("../removed")
elif kind == "terminal":
    master, slave = os.openpty(); os.close(master)
elif kind == "file":
    open("secret", "wb").write(b"x" * 4096); file = open("secret", "rb")
    area = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE); file.close(); os.chmod("secret", 0)
elif kind == "full":
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    while True:
        try: os.open("/dev/null", os.O_RDONLY)
        except OSError: break
print("ready", flush=True)
while not os.path.exists(sys.argv[2]): sum(range(20000))
print("held", flush=True)
"""
SECOND = """
import os, sys, tty
master, slave = os.openpty(); tty.setraw(slave)
print(os.ttyname(slave), flush=True)
while True:
    text = os.read(master, 100)
    print("heard", text, flush=True)
    os.write(master, b"answer to " + text)
"""


class OpenedAgain(case.ProductCase):
    """Programs that open their terminal themselves. Each scene is played bare and moved, and the screens compared."""

    def attend(self, name, run, travel, other=None):
        """Plays the four rounds of guests/terminals.py, with a hop before each but the first; returns the screen."""
        self.a.put(f"{GUESTS}/terminals.py", f"{name}/terminals.py")
        terminal = Terminal(self.a, f"{self.a.home}/{name}", {"RUN": run})
        self.addCleanup(terminal.close)
        terminal.type(f"$RUN ./terminals.py {other or ''}\n")
        terminal.wait_for(rb"opened\r\n")
        pid = int(self.a.read(f"{name}/pid"))
        for number in (1, 2, 3, 4):
            if number > 1:
                travel(pid, JOURNEY[number - 2])
            self.a.write(f"{name}/round-{number}", "")
            terminal.wait_for(rb"type: \r\n")
            terminal.type(f"line {number}\n")
            terminal.wait_for(rb"typed b'line \d\\n'\r\n")
        terminal.wait_for_prompt()
        return terminal.output.text.decode(errors="replace")

    def travel(self, pid, node):
        if node == "a":
            self.product.bring_home(pid)
        else:
            self.product.migrate(pid, node)

    def test_by_name_and_as_dev_tty(self):
        bare = self.attend("bare", "", lambda *_: None)
        moved = self.attend("moved", "llrun --stay --", self.travel)
        # The two sit at terminals of different numbers.
        self.assertEqual(re.sub(r"/dev/pts/\d+", "PTS", moved), re.sub(r"/dev/pts/\d+", "PTS", bare))
        self.assertIn("round 4 by /dev/tty", moved)
        self.assertIn("Resource temporarily unavailable", moved)

    def second(self):
        process = self.a.popen(["python3", "-c", SECOND], stdout=-1)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        output = waiting.Output(process.stdout.fileno())
        name = output.wait_for(case.pattern(r"/dev/pts/\d+\n")).group().decode().strip()
        self.addCleanup(self.a.run, ["sh", "-c", f"fuser -k {name} 2>/dev/null; pkill -f tty.setraw; true"], check=False)
        return name, output

    def test_a_second_terminal(self):
        screens, heard = [], []
        for name, run, travel in (("bare", "", lambda *_: None), ("moved", "llrun --stay --", self.travel)):
            other, output = self.second()
            screens.append(re.sub(r"/dev/pts/\d+", "PTS", self.attend(name, run, travel, other)))
            output.wait_for(case.pattern("heard b'round 4 elsewhere"))
            heard.append(output.text.decode().partition("\n")[2])
        self.assertEqual(screens[1], screens[0])
        self.assertEqual(heard[1], heard[0])
        self.assertIn("round 4 elsewhere", heard[1])

    def test_getpass(self):
        terminal = Terminal(self.a)
        self.addCleanup(terminal.close)
        terminal.type("""llrun --stay -- python3 -c 'import getpass, os; open("pid", "w").write(str(os.getpid())); """
                      """print("got", getpass.getpass("secret: "))'\n""")
        terminal.wait_for(rb"\r\nsecret: ")
        pid = int(self.a.read("pid"))
        for node in JOURNEY:
            self.travel(pid, node)
        terminal.type("open sesame\n")
        terminal.wait_for(rb"\r\ngot open sesame\r\n")
        terminal.wait_for_prompt()

    def test_less_under_script(self):
        self.a.write("pages", "".join(f"line {number} of the file\n" for number in range(1, 200)))
        terminal = Terminal(self.a, environment={"LESS": "-d"})
        self.addCleanup(terminal.close)
        terminal.type("script -qc 'llrun --stay -- sh -c \"echo \\$\\$ >pid; exec less pages\"' /dev/null\n")
        terminal.wait_for(rb"line 23 of the file")
        pid = int(self.a.read("pid"))
        for node, last in zip(JOURNEY, (46, 69, 92), strict=True):
            self.travel(pid, node)
            terminal.type(" ")
            terminal.wait_for(f"line {last} of the file".encode())
        terminal.type("q")
        terminal.wait_for_prompt()

    def test_opened_while_away(self):
        """That brings it home, and then it goes again."""
        terminal = Terminal(self.a)
        self.addCleanup(terminal.close)
        terminal.type("""llrun --stay -- python3 -c 'import os; open("pid", "w").write(str(os.getpid())); print("up", flush=True)
while not os.path.exists("go"): sum(range(20000))
fd = os.open("/dev/tty", os.O_RDWR); os.write(fd, b"opened\\n")
while not os.path.exists("on"): sum(range(20000))
os.write(fd, b"and written\\n")'\n""")
        terminal.wait_for(rb"up\r\n")
        pid = int(self.a.read("pid"))
        self.product.migrate(pid, "b")
        self.a.write("go", "")
        terminal.wait_for(rb"opened\r\n")
        self.product.arrive(pid, "a")
        self.product.migrate(pid, "b")
        self.a.write("on", "")
        terminal.wait_for(rb"and written\r\n")
        terminal.wait_for_prompt()


class Replaced(case.ProductCase):
    """The files of a running program are rebuilt, upgraded or deleted."""

    def start_runner(self, asked):
        self.a.shell("mkdir -p re/lib; cp /usr/bin/python3 re/prog; cp -L /lib/x86_64-linux-gnu/libz.so.1 re/lib/")
        job = self.start(["./prog", "-c", RUNNER, str(asked)], directory=f"{self.a.home}/re",
                         environment={"PYTHONHOME": "/usr", "LD_LIBRARY_PATH": f"{self.a.home}/re/lib"})
        job.output.wait_for(case.pattern("ready\n"))
        return job

    def told(self, job, number):
        self.a.write(f"re/tell-{number}", "")
        return job.output.wait_for(case.pattern(r"/\S+( \(deleted\))? \d+\n")).group().decode()

    def inodes_in(self, folder, pid):
        words = [line.split(None, 5) for line in self.a.run(["cat", f"/proc/{pid}/maps"]).stdout.splitlines()]
        return {int(each[4]) for each in words if len(each) == 6 and folder in each[5]}

    def travel(self, job, change):
        before = self.start_runner(1)
        self.a.shell(change)
        expected = self.told(before, 0)
        self.assertEqual(before.wait(), 0)
        self.a.shell("rm -rf re")
        job = self.start_runner(4)
        self.a.shell(change)
        self.assertEqual(self.told(job, 0), expected)
        for number, node in enumerate(JOURNEY, start=1):
            if node == "a":
                self.product.bring_home(job.pid)
            else:
                self.product.migrate(job.pid, node)
            self.assertEqual(self.told(job, number), expected)
        self.assertEqual(job.wait(), 0, job.err)

    def test_an_executable_that_was_rebuilt(self):
        self.travel(None, "cp /usr/bin/python3 re/new && mv re/new re/prog")

    def test_an_executable_that_was_deleted(self):
        self.travel(None, "rm re/prog")

    def test_a_library_that_was_upgraded(self):
        self.travel(None, "cp -L /lib/x86_64-linux-gnu/libz.so.1 re/lib/new && mv re/lib/new re/lib/libz.so.1")

    def test_replaced_while_away(self):
        job = self.start_runner(3)
        mapped = {os.stat(self.a.path(f"re/{name}")).st_ino for name in ("prog", "lib/libz.so.1")}
        self.product.migrate(job.pid, "b")
        self.told(job, 0)
        self.a.shell("cp /usr/bin/python3 re/new && mv re/new re/prog; "
                     "cp -L /lib/x86_64-linux-gnu/libz.so.1 re/lib/new && mv re/lib/new re/lib/libz.so.1")
        self.product.bring_home(job.pid)
        self.assertIn("(deleted)", self.told(job, 1))
        self.assertEqual(self.inodes_in("/re/", job.pid), mapped, "what it had mapped, and not what is there now")
        self.product.migrate(job.pid, "b")
        self.assertIn("(deleted)", self.told(job, 2))
        self.assertEqual(job.wait(), 0, job.err)


class SaidBefore(case.ProductCase):
    """A pin that `why` names, and no freeze."""

    def assert_pinned(self, kind, *words):
        job = self.start(["python3", "-c", HOLDER, kind, f"{self.a.home}/enough"])
        job.output.wait_for(case.pattern("ready\n"))
        self.product.known(job.pid)
        for text in (self.product.why(job.pid), str(self.product.ctl("migrate", job.pid, "b"))):
            for word in words:
                self.assertIn(word, text)
        self.assertNotIn("Freezing", self.product.log())
        self.a.write("enough", "")
        self.assertEqual(job.wait(), 0, job.err)
        self.assertTrue(job.out.endswith(b"held\n"), job.out)

    def test_a_removed_working_directory(self):
        self.assert_pinned("directory", "working directory has been removed")

    def test_a_closed_terminal(self):
        self.assert_pinned("terminal", "/dev/pts/", "closed")

    def test_a_mapped_file_that_may_not_be_read_any_more(self):
        self.assert_pinned("file", "/secret", "Permission denied", "chmod u+r")

    def test_a_table_without_room(self):
        self.assert_pinned("full", "open files", "ulimit -Hn")

    def test_a_lower_limit_at_the_peer(self):
        """Known from the greeting."""
        job = self.start(["sleep", "1000"])
        self.product.known(job.pid)
        self.b.run(["sh", "-c", "for pid in $(pgrep llrund); do prlimit --pid $pid --nofile=512:512 || exit; done"])
        refused = self.product.ctl("migrate", job.pid, "b")
        self.assertNotEqual(refused.returncode, product.DONE)
        self.assertIn("open files is lower there", refused.stdout + refused.stderr)
        self.assertNotIn("Freezing", self.product.log())


class Again(case.ProductCase):
    """What failed for what a program has is not tried again by itself until that changes."""
    SPECS = (HostSpec("a", has_programs=True, cores=0.5), HostSpec("b", cores=0.5))
    SETTINGS = "after = 1s\nsettle = 1s\nrest = 1s\n"
    LOOP = ("import os, sys\nfile = None\nwhile True:\n sum(range(20000))\n"
            " if file is None and os.access('change', os.F_OK): file = open('/dev/null')\n")

    def end_the_half_made_guest(self):
        """What is being filled on b is the stub's process: its executable is a memory file."""
        killed = self.b.run(["bash", "-c", 'for p in /proc/[0-9]*; do case $(readlink $p/exe) in */memfd:*|/memfd:*) '
                             'kill -KILL ${p#/proc/} && echo $p;; esac; done'], as_root=True).stdout
        self.assertTrue(killed, self.b.shell("ls -l /proc/*/exe 2>/dev/null; true"))

    def test_until_it_changes(self):
        self.product.allow_holds()
        held = self.product.hold(self.b, "guest-Pages")
        kept = self.start(["python3", "-c", self.LOOP])
        job = self.start(["python3", "-c", self.LOOP], options=())
        self.product.known(kept.pid)
        held.wait()
        self.end_the_half_made_guest()
        held.let_go()
        self.product.wait_for_log("failed in Transferring")
        self.assertIn("a move to b has failed", self.product.why(job.pid))
        # What its agent asks for next is refused before anything is begun. An earlier move may have come to nothing
        # before it was frozen: that says nothing of the program.
        self.product.wait_for_log("it is not tried again until what the program has")
        log = self.product.log()
        self.assertEqual(log.count("--Captured--> Transferring"), 1, log[-3000:])
        self.assertGreater(log.rindex("should go to b"), log.rindex(f"({job.pid}) moves to b"), log[-3000:])
        self.assertEqual(self.product.where(job.pid), "a")
        self.a.write("change", "")
        waiting.until(lambda: self.product.where(job.pid) == "b", lambda: self.product.log()[-3000:],
                      pause=waiting.DECISION_PAUSE_S)

    def test_by_hand_it_is_tried_at_once(self):
        self.product.allow_holds()
        held = self.product.hold(self.b, "guest-Pages")
        job = self.start(["python3", "-c", self.LOOP])
        self.product.known(job.pid)
        asked = self.a.popen(["llrunctl", "migrate", str(job.pid), "b"], stdout=-1, stderr=-1)
        held.wait()
        self.end_the_half_made_guest()
        held.let_go()
        self.assertIn(b"failed in Transferring", b"".join(asked.communicate()))
        self.assertIn("a move to b has failed", self.product.why(job.pid))
        self.product.migrate(job.pid, "b")


class Sizes(case.ProductCase):
    """`ulimit -f`, with the output shared with the shell, so that its offset stays at home."""

    def play(self, name, prefix, travel):
        self.a.write(f"{name}/limited.py", LIMITED)
        # Soft and hard are set apart, so that the program may raise its own.
        script = f"ulimit -Sf 8; ulimit -Hf 16; exec >out; echo begun; {prefix} python3 limited.py; echo status $? >status"
        shell = self.a.popen(["bash", "-c", script], directory=f"{self.a.home}/{name}", stderr=-1,
                             stdin=-3)
        self.addCleanup(shell.communicate)
        self.addCleanup(self.a.run, ["pkill", "-KILL", "-f", "limited.py"], check=False)  # they hold its output
        output = waiting.Output(shell.stderr.fileno())
        output.wait_for(case.pattern("ready\n"))
        pid = int(self.a.read(f"{name}/pid"))
        travel(pid)
        self.a.write(f"{name}/go", "")
        output.wait_for_end()
        # The shell names the process and what it was told to run.
        said = re.sub(r"line 1: +\d+ ", "line 1: PID ", output.text.decode()).replace(f"{prefix} ".lstrip(), "")
        return {"said": said, "out": self.a.read(f"{name}/out"), "own": len(self.a.read(f"{name}/own")),
                "status": self.a.read(f"{name}/status")}

    def test_as_bare(self):
        bare = self.play("bare", "", lambda pid: None)
        moved = self.play("moved", "llrun --stay --", lambda pid: self.product.migrate(pid, "b"))
        for what in bare:
            self.assertEqual(moved[what], bare[what], what)
        self.assertIn("File too large", moved["said"])
        self.assertEqual(moved["status"], "status 153\n")


class Direct(case.ProductCase):
    SPECS = (HostSpec("a", has_programs=True, has_disk=True), HostSpec("b"))

    def test_direct_io_on_a_real_filesystem(self):
        self.a.put(f"{build_directory()}/tests/programs/steps/direct", "disk/direct")
        job = self.start(["./direct", "--steps", "8", "--until", f"{self.a.home}/until"], directory=f"{self.a.home}/disk")
        step = re.compile(rb"step \d+\n")
        for node in JOURNEY:
            job.output.wait_for(step)
            if node == "a":
                self.product.bring_home(job.pid)
            else:
                self.product.migrate(job.pid, node)
            job.output.wait_for(step)
        self.a.write("until", "")
        status = job.wait()
        self.assertEqual(status, 0, job.out.decode()[-2000:])
        self.assertIn(b"PASS", job.out)

    def test_dd(self):
        """dd writes and reads with O_DIRECT; what it wrote is there."""
        self.a.shell("head -c 20000000 /dev/urandom >disk/from")
        job = self.start(["dd", "if=disk/from", "of=disk/to", "bs=4096", "oflag=direct", "iflag=fullblock", "count=4882"],
                         options=("--stay",))
        done = self.product.ctl("migrate", job.pid, "b")
        self.assertEqual(job.wait(), 0, (job.err, done))
        self.a.shell("cmp -n 19996672 disk/from disk/to")


if __name__ == "__main__":
    case.main()
