#!/usr/bin/python3
"""The demo itself, run by an ordinary user in a directory prepared by tools/demo: bin/, scene.pov,
picture.py.

Two nodes on one machine: "home" has the first processor, "b" the others. The same picture is drawn twice at home at
the same time, once plainly and once under llrun, so home is crowded, and the one under llrun has a reason to leave.
Exit 0: it moved, and the two pictures are equal pixel for pixel.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import picture

LIMIT_S = 900  # for the whole demo; something is wrong long before
ASK_AFTER_S = 8  # of watching without a move of its own
SPOKEN = re.compile(r"^(llrun\b.*|\{.*\"(kind|event)\".*)$")


def plain(text):
    return text


def coloured(code):
    return (lambda text: f"\033[{code}m{text}\033[0m") if sys.stdout.isatty() else plain


BOLD, GREEN, RED, DIM = coloured(1), coloured(32), coloured(31), coloured(2)


class Narrator:
    """Prints what happens as it happens, each line with the seconds since the start."""

    def __init__(self):
        self._start = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, text, style=plain):
        with self._lock:
            print(f"{time.monotonic() - self._start:6.1f} s  {style(text)}", flush=True)


class Nodes:
    """The two nodes: their configuration, their directories and what llrunctl says of them."""

    def __init__(self, directory):
        self.directory, self.bin = directory, f"{directory}/bin"
        cpus = sorted(os.sched_getaffinity(0))
        self.home_cpus, self.peer_cpus = cpus[:1], cpus[1:] or cpus
        self.environment = os.environ | {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": directory, "LLRUN_NAME": "home",
            "XDG_RUNTIME_DIR": f"{directory}/run", "XDG_STATE_HOME": f"{directory}/state",
            "XDG_CONFIG_HOME": f"{directory}/config", "LLRUN_CONF": f"{directory}/config/llrun/llrun.conf"}

    def configure(self):
        for part, mode in (("run", 0o700), ("state", 0o755), ("config", 0o755), ("config/llrun", 0o755)):
            os.mkdir(f"{self.directory}/{part}", mode)
        peer = f"taskset -c {','.join(map(str, self.peer_cpus))} {self.bin}/llrund --stdio --name b"
        with open(self.environment["LLRUN_CONF"], "w") as file:
            file.write(f"[nodes]\nb = {peer}\n")

    def at_home(self, command):
        """For the agent, whose capacity this bounds; programs are not bound, since one that is stays where it is."""
        return ["taskset", "-c", str(self.home_cpus[0]), *command]

    def control(self, *words):
        """What `llrunctl WORDS` gives: (exit status, output)."""
        done = subprocess.run(self.at_home([f"{self.bin}/llrunctl", *words]), env=self.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def row(self, pid):
        """The process's line of `llrunctl ps --json`, or None."""
        _, output = self.control("ps", "--json")
        for line in output.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and row.get("pid") == pid:
                return row
        return None

    def stop(self):
        """Ends the agents started here: whoever of this user has this demo's directory in his environment."""
        needle = f"XDG_RUNTIME_DIR={self.directory}/run".encode()
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    ours = needle in file.read().split(b"\0")
            except OSError:
                continue
            if ours and int(entry) != os.getpid():
                _end(int(entry))


def _end(pid):
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass


class Painter:
    """One POV-Ray and what it says."""

    def __init__(self, nodes, name, size, prefix, narrator):
        self.name, self.picture, self.messages = name, f"{nodes.directory}/{name}.ppm", []
        width, height = size
        command = [*prefix, "povray", "scene.pov", f"+O{name}.ppm", "+FP", f"+W{width}", f"+H{height}", "+A0.2",
                   "+WT2", "-D"]
        self.process = subprocess.Popen(command, env=nodes.environment, cwd=nodes.directory,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.pid = self.process.pid  # llrun execs what it starts
        self._reader = threading.Thread(target=self._listen, args=(narrator,))
        self._reader.start()

    def _listen(self, narrator):
        """llrun -v speaks on the program's standard error; POV-Ray's own talk is kept aside."""
        for line in self.process.stderr:
            if SPOKEN.match(line):
                narrator(line.rstrip(), BOLD)
            else:
                self.messages.append(line)

    def wait(self, deadline):
        status = self.process.wait(max(1, deadline - time.monotonic()))
        self._reader.join(30)
        return status


def follow(nodes, painter, narrator, deadline):
    """Tells where the painter runs until it ends; asks for a move when none comes. Returns the places it was at."""
    places, asked, last = [], False, None
    began = time.monotonic()
    while painter.process.poll() is None and time.monotonic() < deadline:
        row = nodes.row(painter.pid) or {}
        seen = (row.get("where") or "home", row.get("state"), row.get("last_reason"))
        if row and seen != last:
            narrator(f"povray ({painter.pid}) runs on {seen[0]}" + "".join(f"; {part}" for part in seen[1:] if part))
            _tell_costs(row, narrator)
            last = seen
        if row and (not places or places[-1] != seen[0]):
            places.append(seen[0])
        if not asked and places[1:] == [] and time.monotonic() - began > ASK_AFTER_S:
            asked = True
            status, words = nodes.control("migrate", str(painter.pid), "b")
            narrator(f"no move by itself yet, so: llrunctl migrate {painter.pid} b (exit {status}) {words.strip()}")
        time.sleep(0.3)
    return places


def _tell_costs(row, narrator):
    if row.get("moves"):
        narrator(f"moves so far: {row['moves']}; the last froze it for {row.get('last_freeze_us', 0) / 1000:.1f} ms "
                 f"and sent {row.get('last_bytes', 0) / 1e6:.1f} MB")


def verdict(narrator, places, statuses, painters):
    """Says how it ended; 0 when everything was as it should be."""
    problems = [f"{painter.name}: POV-Ray ended with {status}:\n{''.join(painter.messages[-15:])}"
                for painter, status in zip(painters, statuses) if status != 0]
    if not any(place != "home" for place in places):
        problems.append("nothing moved")
    if not problems:
        count = picture.differing_pixels(painters[0].picture, painters[1].picture)
        (width, height, _), _ = picture.load(painters[0].picture)
        narrator(f"compared {width * height} pixels of the moved and the unmoved picture: {count} differ")
        problems += [f"{count} pixels differ"] if count else []
    for problem in problems:
        narrator(problem, RED)
    if not problems:
        narrator("POV-Ray was drawn " + " -> ".join(places) + ", and the picture is the same pixel for pixel", GREEN)
    return 1 if problems else 0


def show(nodes, narrator, size):
    deadline = time.monotonic() + LIMIT_S
    nodes.configure()
    narrator(f"home has processor {nodes.home_cpus[0]}, node b has {','.join(map(str, nodes.peer_cpus))}")
    for line in nodes.control("nodes")[1].splitlines():
        narrator(line, DIM)
    narrator("$ povray scene.pov             (the unmoved one; it also keeps home busy)", BOLD)
    unmoved = Painter(nodes, "unmoved", size, [], narrator)
    narrator("$ llrun -v povray scene.pov", BOLD)
    moved = Painter(nodes, "moved", size, [f"{nodes.bin}/llrun", "-v"], narrator)
    painters = [unmoved, moved]
    try:
        places = follow(nodes, moved, narrator, deadline)
        return verdict(narrator, places, [painter.wait(deadline) for painter in painters], painters)
    finally:
        for painter in painters:
            if painter.process.poll() is None:
                painter.process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("directory")
    options = parser.parse_args()
    nodes, narrator = Nodes(os.path.realpath(options.directory)), Narrator()
    try:
        return show(nodes, narrator, (240, 180) if options.quick else (360, 270))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        narrator(f"the demo could not go on: {error}", RED)
        return 1
    finally:
        nodes.stop()


if __name__ == "__main__":
    sys.exit(main())
