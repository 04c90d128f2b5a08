"""What the supervisors logged of the protocol, held against its table (supervisor/migration/machine.cc).

Each supervisor logs each transition by the names of docs/protocol.md. Whatever a scenario does, every transition must be a
row of the table that leads on from the one before it, epochs count up by one, the two sides of a journey must fit
together, and no two incarnations of a program may have run at once.
"""
import collections
import datetime
import glob
import os
import re

_MACHINE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../../supervisor/migration/machine.cc")
_LINE = re.compile(r"^(\S+) (home (?P<pid>\d+)|guest (?P<job>\S+)): (?P<side>home|guest) (?P<old>\w+) --(?P<event>\w+)--> "
                   r"(?P<new>\w+) \(epoch (?P<epoch>\d+)\)$")
# base/slow_tasks.h. Of the loop for which others wait; the main one may wait for a stop of the program.
_SLOW_TASK = re.compile(r"^(?P<time>\S+) (?P<who>home \d+|guest \S+): a task of an event loop takes over a second: .*$",
                        re.MULTILINE)
_RUNS_AT_HOME = ("Home", "Preparing")
_RUNS_AWAY = ("Running", "Settled")
# Timestamps have milliseconds, and a line is written a little after what it tells.
_BLUR = 0.05

Transition = collections.namedtuple("Transition", "time side old event new epoch")


def _rows():
    with open(_MACHINE) as file:
        return {({"H": "home", "G": "guest"}[side], *row) for side, *row in
                re.findall(r"\{(H|G)::k(\w+),\s*[HG]E::k(\w+),\s*[HG]::k(\w+)\}", file.read())}


def log_of(host):
    text = ""
    for path in glob.glob(f"/proc/{host.pid}/root{host.home}/.local/state/llrun/*/log"):
        with open(path, errors="replace") as file:
            text += file.read()
    return text


def _transitions(text, side):
    """{(pid of the program at home, …) or (job, epoch): its transitions in order}"""
    found = collections.defaultdict(list)
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match or match["side"] != side:
            continue
        time = datetime.datetime.fromisoformat(match[1]).timestamp()
        epoch = int(match["epoch"])
        key = int(match["pid"]) if side == "home" else (match["job"], epoch)
        found[key].append(Transition(time, side, match["old"], match["event"], match["new"], epoch))
    return found


def _fills_a_guest(slow, text):
    """Until it is filled a guest's loop serves nobody: it asks for the program's files, as long as the lease allows."""
    filled = re.search(rf"^(\S+) {re.escape(slow['who'])}: guest Filling --Filled-->", text, re.MULTILINE)
    return slow["who"].startswith("guest") and (filled is None or slow["time"] <= filled[1])


def _spans(transitions, states, start=None):
    """When it was in one of the states: (from, to or None)."""
    spans = []
    for at in transitions:
        if at.new in states and start is None:
            start = at.time
        elif at.new not in states and start is not None:
            spans.append((start, at.time))
            start = None
    return spans + ([(start, None)] if start is not None else [])


def _overlap(left, right):
    """Seconds for which both lasted; an open end is not known and counts for nothing."""
    if left[1] is None or right[1] is None:
        return 0
    return min(left[1], right[1]) - max(left[0], right[0])


class Checker:
    """Reads the logs of a cluster; `problems` says in words what is wrong with them.

    paused: hosts were paused, or supervisors killed, for longer than the margin, so that two incarnations may have run at once
    (of which one has no effect). kept: the logs of hosts that have been stopped since, by name.
    """

    def __init__(self, cluster, home="a", paused=False, kept=None):
        kept = kept or {}

        def log(host):
            return kept[host.name] if host.name in kept else log_of(host)

        self.paused = paused
        self.slow_tasks = [f"{host.name}: {found[0]}" for host in cluster.hosts.values()
                           for found in _SLOW_TASK.finditer(log(host)) if not _fills_a_guest(found, log(host))]
        self.rows = _rows()
        self.problems = []
        self.home = _transitions(log(cluster[home]), "home")
        self.guests = {}
        for host in cluster.hosts.values():
            for (job, epoch), transitions in _transitions(log(host), "guest").items():
                self.guests[(host.name, job, epoch)] = transitions

    def check(self):
        for pid, transitions in self.home.items():
            self._follow(f"home of {pid}", transitions, "Home")
            self._count_epochs(pid, transitions)
        for key, transitions in self.guests.items():
            self._follow(f"guest {key}", transitions, "Preparing")
            self._compare(key, transitions)
        if not self.paused:
            for pid in self.home:
                self._never_two(pid)
            self.problems += self.slow_tasks
        return self.problems

    def _follow(self, who, transitions, state):
        for at in transitions:
            if (at.side, at.old, at.event, at.new) not in self.rows:
                self.problems.append(f"{who}: {at.old} --{at.event}--> {at.new} is not in the table")
            if at.old != state:
                self.problems.append(f"{who}: {at.old} --{at.event}--> {at.new} in state {state}")
            state = at.new

    def _count_epochs(self, pid, transitions):
        epochs = [at.epoch for at in transitions if at.event == "Migrate"]
        if epochs != list(range(1, len(epochs) + 1)):
            self.problems.append(f"home of {pid}: its epochs are {epochs}")
        current = 0
        for at in transitions:
            current = at.epoch if at.event == "Migrate" else current
            if at.epoch != current:
                self.problems.append(f"home of {pid}: epoch {at.epoch} in journey {current}")

    @staticmethod
    def _pid_of(job):
        return int(job.rsplit("-", 2)[1])

    def _compare(self, key, guest):
        """The guest's side does nothing that home has not asked for before, and home believes nothing that is not so."""
        _, job, epoch = key
        home = [at for at in self.home.get(self._pid_of(job), []) if at.epoch == epoch]

        def when(transitions, event):
            return next((at.time for at in transitions if at.event == event), None)

        for first_side, first, second_side, second in (
                (home, "Migrate", guest, "WorldMade"), (guest, "WorldMade", home, "WorldReady"),
                (home, "Captured", guest, "Filled"), (guest, "Filled", home, "Restored"),
                (home, "Restored", guest, "Commit"), (guest, "Commit", home, "Running"),
                (home, "Running", guest, "GivenUp"), (guest, "GivenUp", home, "Confirmed"),
                (guest, "Leave", home, "HomeImage"), (home, "ReturnFailed", guest, "LeaveRefused")):
            later = when(second_side, second)
            if later is None:
                continue
            # What has not been sent yet a guest may keep by itself: it has no link, or cannot be stopped just now.
            if second == "LeaveRefused" and (when(home, "HomeImage") or later) >= later:
                continue
            earlier = when(first_side, first)
            if earlier is None or earlier > later + _BLUR:
                self.problems.append(f"{key}: {second} at {later} without or before {first} ({earlier})")

    def _never_two(self, pid):
        spans = [("home", span) for span in _spans(self.home[pid], _RUNS_AT_HOME, start=0)]
        for (host, job, epoch), transitions in self.guests.items():
            if self._pid_of(job) == pid:
                spans += [(f"{host} in epoch {epoch}", span) for span in _spans(transitions, _RUNS_AWAY)]
        for index, (who, span) in enumerate(spans):
            for other, other_span in spans[:index]:
                if _overlap(span, other_span) > _BLUR:
                    self.problems.append(f"program {pid} ran at {who} {span} and at {other} {other_span} at once")
