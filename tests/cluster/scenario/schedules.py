"""Fault schedules: jobs that are held at one point of the protocol, what is done to them there, and what may come of it.

A schedule is chosen by its seed alone. All its jobs go through the same point beside each other; each has a fault of its
own in one of its processes (or none), or the whole batch has one in a link or a host.
"""
import contextlib
import dataclasses
import os
import random
import signal
import subprocess
import time

from hosts import pause

from . import faults, suspends, waiting

LEASE_S, CONFIRM_S = 2, 8
LINES, BEFORE = 12, 3  # of input a job gets in all, and before anything happens to it

FINISHED, ENDED = "finished", "ended"

# (host, point, phase): where docs/protocol.md lets a step be held. The phase says what is at stake there.
BEFORE_COMMIT, IN_DOUBT, AWAY, RETURNING, ENDING = "before commit", "in doubt", "away", "returning", "ending"
POINTS = (
    ("a", "home-Preparing", BEFORE_COMMIT), ("b", "guest-Preparing", BEFORE_COMMIT),
    ("b", "guest-MakeWorld", BEFORE_COMMIT), ("b", "guest-Filling", BEFORE_COMMIT),
    ("a", "home-Entered", BEFORE_COMMIT), ("a", "home-Freezing", BEFORE_COMMIT),
    ("a", "home-Transferring", BEFORE_COMMIT), ("b", "guest-Image", BEFORE_COMMIT),
    ("a", "home-Mapped", BEFORE_COMMIT), ("b", "guest-Pages", BEFORE_COMMIT),
    ("b", "guest-PagesEnd", BEFORE_COMMIT), ("b", "guest-Restored", BEFORE_COMMIT),
    ("a", "home-Restored", BEFORE_COMMIT), ("a", "home-Committing", BEFORE_COMMIT),
    ("b", "guest-Commit", BEFORE_COMMIT), ("b", "guest-Running", BEFORE_COMMIT),
    ("a", "home-Running", BEFORE_COMMIT),
    ("a", "home-Confirming", IN_DOUBT), ("b", "guest-GivenUp", IN_DOUBT), ("b", "guest-Settled", IN_DOUBT),
    ("a", "home-Confirmed", IN_DOUBT),
    ("a", "home-Away", AWAY), (None, None, AWAY), (None, None, AWAY),
    ("a", "home-Exited", ENDING), ("b", "guest-ExitedSeen", ENDING),
    ("b", "guest-ComeHomeRequest", RETURNING), ("b", "guest-Leaving", RETURNING),
    ("a", "home-HomeImage", RETURNING), ("a", "home-Returning", RETURNING), ("a", "home-Pages", RETURNING),
    ("a", "home-PagesEnd", RETURNING), ("b", "guest-CameHome", RETURNING),
)

# Faults in one job, by the process that is killed.
KILLS = ("program", "home supervisor", "channel", "guest supervisor", "guest", "world", "nothing")
# Faults in all of them: an agent, the link, a host, what a host has.
WIDE = ("agent of a", "agent of b", "link", "stop a", "stop b", "suspend a", "suspend b", "memory of b",
        "processes of b", "descriptors of b", "disk of b", "far ends of channels", "filesystem of a",
        # Each followed by the loss of all channels: whoever answers then does not know what is there.
        "stopped agent of b", "run-time directory of b", "another node for b")
REFUSED_S = 13  # for so long a node that cannot know refuses
SHORT, LONG = (0.1, 1.0), (0.1, 1.0, 10.0, 60.0)


@dataclasses.dataclass(frozen=True)
class Schedule:
    seed: int
    host: str
    point: str
    phase: str
    kills: tuple      # one a job
    wide: str | None
    seconds: float    # how long a link or host is away, or something is scarce
    lets_go_first: bool

    def __str__(self):
        what = f"{self.wide} for {self.seconds} s" if self.wide else ", ".join(self.kills)
        return f"seed {self.seed}: at {self.point or 'rest'} ({self.phase}): {what}" + (
            ", let go at once" if self.lets_go_first else "")


def choose(seed, jobs, durations):
    chance = random.Random(seed)
    host, point, phase = chance.choice(POINTS)
    wide = chance.choice(WIDE) if chance.random() < 0.45 else None
    kills = tuple("nothing" if wide else chance.choice(KILLS) for _ in range(jobs))
    return Schedule(seed, host, point, phase, kills, wide, chance.choice(durations), chance.random() < 0.5)


def allowed(schedule, kill):
    """What may become of a job. Finished is always right, but where somebody has killed the program itself, which can be too
    late only when it is ending; ended is right where that which answers for it was killed: home's supervisor after the commit,
    and whatever holds it on the peer. While both live, no silence and no refusal ends it, however long."""
    if kill == "program":
        return {ENDED, FINISHED} if schedule.phase == ENDING else {ENDED}
    if schedule.phase == BEFORE_COMMIT and not schedule.lets_go_first:
        return {FINISHED}
    if kill in ("home supervisor", "guest supervisor", "guest", "world"):
        return {FINISHED, ENDED}
    if schedule.wide == "memory of b":
        return {FINISHED, ENDED}
    return {FINISHED}


class Held:
    """A point at which all jobs of a host stop, from its making to let_go(): docs/protocol.md, "Holding a step"."""

    def __init__(self, product, host, point):
        self.product, self.host, self.point = product, host, point
        self.file = f".local/state/llrun/{host.spec['machine_id']}/hold/{point}"
        self.before = self._seen()
        host.write(self.file, "")

    def _seen(self):
        log = self.host.read_all(".local/state/llrun/*/log")
        return log.count(f"held at {self.point.partition('-')[2]}\n")

    def count(self):
        """How many jobs have been stopped there since."""
        return self._seen() - self.before

    def let_go(self):
        if self.host.exists(self.file):
            os.unlink(self.host.path(self.file))


class Job:
    """One program between two pipes: cat | llrun ledger | cat. `fate` tells what became of it."""

    def __init__(self, product, name, open_file=os.devnull):
        self.product, self.host, self.name = product, product.home, name
        self.directory = f"jobs/{name}"
        self.host.put(os.environ["LLRUN_LEDGER"], f"{self.directory}/ledger")
        script = (f"mkfifo in; : >fed; cat in | sh -c 'echo $$ >pid.new; mv pid.new pid; exec 9<{open_file}; "
                  f"exec llrun --stay -- ./ledger {name}' "
                  '| cat >out; echo "${PIPESTATUS[1]}" >status.new; mv status.new status')
        self.process = self.host.popen(["setsid", "--wait", "bash", "-c", script], directory=f"{self.host.home}/{self.directory}",
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waiting.until(lambda: self.exists("pid") and self.exists("fed"), f"job {name} to start")
        self.pid = int(self.read("pid"))
        self.feed_to = os.open(self.host.path(f"{self.directory}/in"), os.O_WRONLY | os.O_CLOEXEC)

    def exists(self, name):
        return self.host.exists(f"{self.directory}/{name}")

    def read(self, name):
        return self.host.read(f"{self.directory}/{name}") if self.exists(name) else ""

    def feed(self, first, last):
        with contextlib.suppress(BrokenPipeError):
            os.write(self.feed_to, "".join(f"{number}\n" for number in range(first, last + 1)).encode())

    def close(self):
        if self.feed_to is not None:
            os.close(self.feed_to)
            self.feed_to = None

    def written(self):
        return self.read("out").count("\n")

    def status(self):
        return int(self.read("status")) if self.exists("status") else None

    def fate(self, expected):
        """FINISHED or ENDED, or what is wrong in words."""
        out, ledger = self.read("out").splitlines(), self.read(self.name).splitlines()
        if self.status() == 7:
            if out == expected and ledger == expected[:-1]:
                return FINISHED
            return f"finished with {out} and {ledger}"
        if self.status() == 128 + signal.SIGKILL:
            for lines in (out, ledger):
                if lines != expected[:len(lines)]:
                    return f"ended with {out} and {ledger}"
            return ENDED
        return f"ended with status {self.status()}, {out} and {ledger}"

    def end(self):
        self.close()
        self.host.run(["kill", "-KILL", str(self.pid)], check=False)
        self.process.kill()
        self.process.wait()


class Processes:
    """What runs on a host, to find those of one job. Read from outside; numbers are the host's own."""

    def __init__(self, host):
        self.host = host
        rows = host.run(["ps", "-eo", "pid=,ppid=,args="], as_root=True).stdout.splitlines()
        self.rows = [(int(pid), int(parent), words[0] if words else "") for pid, parent, *words in
                     (row.split(None, 2) for row in rows)]

    def find(self, text):
        return [pid for pid, _, words in self.rows if text in words]

    def parent(self, pid):
        return next((parent for own, parent, _ in self.rows if own == pid), 0)

    def tracer(self, pid):
        """0: none, or the process has ended since the table was made."""
        try:
            status = self.host.read(f"/proc/{pid}/status")
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("TracerPid:"))


class Faults:
    """Does to jobs, links and hosts what a schedule says; `undo` makes good what can be made good."""

    def __init__(self, cluster, jobs, held, before_commit, filesystem):
        self.cluster, self.a, self.b, self.jobs, self.held = cluster, cluster["a"], cluster["b"], jobs, held
        self.before_commit = before_commit
        self.filesystem = filesystem
        self.undone = []

    def _kill(self, host, pids):
        for pid in pids:
            host.run(["kill", "-KILL", str(pid)], as_root=True, check=False)
        return bool(pids)

    def kill(self, job, what):
        """Whether there was such a process."""
        if what == "nothing":
            return True
        if what == "program":
            return self._kill(self.a, [job.pid])
        if what in ("home supervisor", "channel"):
            here = Processes(self.a)
            supervisors = here.find(f"llrun-supervisor home --pid {job.pid} ")
            if what == "home supervisor":
                return self._kill(self.a, supervisors)
            return self._kill(self.a, [pid for pid, parent, _ in here.rows if parent in supervisors])
        there = Processes(self.b)
        guests = [pid for pid in there.find(f"./ledger {job.name}")]
        if what == "guest" and guests:
            return self._kill(self.b, guests)
        if what == "world" and guests:
            return self._kill(self.b, [there.parent(pid) for pid in guests])
        tracers = [there.tracer(pid) for pid in guests]
        # Before it has its memory a guest has no name; any of those held will do, for all must go on at home. Later one without
        # a guest has ended.
        nameless = there.find("llrun-supervisor guest")[:1] if self.held and self.before_commit else []
        return self._kill(self.b, [pid for pid in tracers if pid] or nameless)

    def widely(self, what, seconds):
        """Lasts for `seconds` and is over when this returns, but for what `undo` gives back."""
        if what.startswith("agent of"):
            host = self.cluster[what[-1]]
            self._kill(host, Processes(host).find("llrund --background") or Processes(host).find("llrund --name"))
        elif what == "far ends of channels":
            self._lose_channels()
        elif what in ("stopped agent of b", "run-time directory of b", "another node for b"):
            getattr(self, "_" + what.split()[0].replace("-", "_"))()
            self._lose_channels()
            time.sleep(max(seconds, REFUSED_S))
            self.undo()
        elif what == "link":
            link = self.cluster.link("a", "b")
            link.cut()
            time.sleep(seconds)
            link.heal()
        elif what.startswith("suspend"):
            suspends.suspend(self.cluster[what[-1]], seconds)
        elif what == "filesystem of a":
            self.filesystem.stall()
            time.sleep(seconds)
            self.filesystem.go_on()
        elif what.startswith("stop"):
            with pause.Pause(self.cluster[what[-1]]):
                time.sleep(seconds)
        else:
            getattr(self, "_" + what.split()[0])()
            time.sleep(min(seconds, 2))
            self.undo()

    def _lose_channels(self):
        self._kill(self.b, Processes(self.b).find("llrund --stdio"))

    def _agents_of_b(self):
        return Processes(self.b).find("llrund --background")

    def _stopped(self):
        """By its owner, while guests cannot leave: others' channels do not start it again."""
        faults.mark_stopped(self.b)
        self._kill(self.b, self._agents_of_b())
        self.undone.append(lambda: self.b.run(["llrunctl", "nodes"]))

    def _run_time(self):
        """As at a logout: the directory goes, and the agent later."""
        agents = self._agents_of_b()
        self.b.run(["rm", "-rf", f"/run/user/{self.b.uid}/llrun"])
        self.undone.append(lambda: self._kill(self.b, agents))

    def _another(self):
        """The name b leads to another machine, where an agent runs, too."""
        config = self.a.write(".ssh/config", "Host b\n  HostName a\n  HostKeyAlias a\n", 0o600)
        self.undone.append(lambda: os.unlink(self.a.path(config)))

    def _memory(self):
        use = self.b.limits.directories["memory"] + ("/memory.current" if self.b.limits.version == 2 else
                                                     "/memory.usage_in_bytes")
        with open(use) as file:
            used = int(file.read()) >> 20
        self.undone.append(lambda: self.b.limits.set_memory(None))
        with contextlib.suppress(OSError):  # less than is in use cannot always be had
            self.b.limits.set_memory(used + 1)

    def _processes(self):
        self.undone.append(lambda: pause.limit_processes(self.b, None))
        pause.limit_processes(self.b, pause.processes(self.b))

    def _descriptors(self):
        for pid in Processes(self.b).find("llrun"):
            held = self.b.run(["sh", "-c", f"ls /proc/{pid}/fd | wc -l"], as_root=True).stdout.strip()
            self.b.run(["prlimit", "--pid", str(pid), f"--nofile={held or 3}:"], check=False)
            self.undone.append(lambda pid=pid: self.b.run(["prlimit", "--pid", str(pid), "--nofile=1024:"], check=False))

    def _disk(self):
        used = int(self.b.run(["sh", "-c", "df -k --output=used / | tail -1"], as_root=True).stdout)
        self.undone.append(lambda: self.b.run(["mount", "-o", "remount,size=50%", "/"], as_root=True))
        self.b.run(["mount", "-o", f"remount,size={used + 4}k", "/"], as_root=True)

    def undo(self):
        for repair in reversed(self.undone):
            repair()
        self.undone.clear()
