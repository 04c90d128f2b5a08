#!/usr/bin/python3
"""The demo itself, run by an ordinary user in a directory prepared by tools/demo: bin/, scene.pov,
picture.py.

Two nodes on one machine, each a pid namespace of its own with processors of its own, as two machines would be: "home"
has the first processor, "b" the others. A node counts its own processes only. The same picture is drawn twice at home
at the same time, once plainly and once under llrun, so home is crowded, and the one under llrun has a reason to leave.
Nobody asks it to. Exit 0: it moved, and the two pictures are equal pixel for pixel.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time

import picture

LIMIT_S = 900  # for the whole demo; something is wrong long before
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
    """The two nodes: their configuration, their directories, how a process is started in them, and what llrunctl says."""

    def __init__(self, directory):
        self.directory, self.bin = directory, f"{directory}/bin"
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = {"home": cpus[:1], "b": cpus[1:] or cpus}
        self.environment = os.environ | {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": directory, "LLRUN_NAME": "home",
            "LLRUN_RUNTIME_ROOT": directory, "XDG_STATE_HOME": f"{directory}/state",
            "XDG_CONFIG_HOME": f"{directory}/config", "LLRUN_CONF": f"{directory}/config/llrun/llrun.conf"}

    def configure(self):
        for part, mode in (("tmp", 0o700), ("state", 0o755), ("config", 0o755), ("config/llrun", 0o755)):
            os.mkdir(f"{self.directory}/{part}", mode)
        # b's agent runs already, so this joins it; between machines it would be `ssh b llrund --stdio`.
        with open(self.environment["LLRUN_CONF"], "w") as file:
            file.write(f"[nodes]\nb = {self.bin}/llrund --stdio --name b\n")

    def popen(self, node, command, **options):
        """Starts a command in a pid namespace of its own on the node's processors. Everything that it ever started ends
        with it. The shell between is that namespace's process 1, which reaps; the command has a session of its own,
        whose number therefore exists in there."""
        cpus = ",".join(map(str, self.cpus[node]))
        return subprocess.Popen(["unshare", "--user", "--map-current-user", "--pid", "--fork", "--mount-proc",
                                 "--kill-child", "taskset", "-c", cpus, "sh", "-c",
                                 'setsid "$@" & wait "$!"', "sh", *command], env=self.environment, **options)

    def control(self, *words):
        """What `llrunctl WORDS` gives: (exit status, output)."""
        done = subprocess.run([f"{self.bin}/llrunctl", *words], env=self.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def objects(self, *words):
        """The objects that `llrunctl WORDS --json` prints, one a line."""
        _, output = self.control(*words, "--json")
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def row(self, pid):
        """The process's line of `llrunctl ps`, or None."""
        return next((row for row in self.objects("ps") if row.get("pid") == pid), None)

    def wait_for_peer(self, deadline):
        """Until b's agent answers: its channel may be tried before it listens."""
        while not any(row.get("node") == "b" and row.get("reachable") for row in self.objects("nodes")):
            if time.monotonic() > deadline:
                raise ValueError("node b is not reachable: " + self.control("nodes")[1])
            time.sleep(0.2)


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
    """Tells where the painter runs until it ends. Returns the places it was at."""
    places, last = [], None
    while painter.process.poll() is None and time.monotonic() < deadline:
        row = nodes.row(painter.pid) or {}
        seen = (row.get("where") or "home", row.get("moves", 0))
        if row and seen != last:
            narrator(f"povray ({painter.pid}) runs on {seen[0]}")
            _tell_costs(row, narrator)
            last = seen
        if row and (not places or places[-1] != seen[0]):
            places.append(seen[0])
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
    """What happens on node home, in a namespace of its own."""
    deadline = time.monotonic() + LIMIT_S
    nodes.wait_for_peer(deadline)
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


def run_both(nodes, narrator, arguments):
    """Node b: an agent, as somebody's login there would start it. Node home: this script again, in its place."""
    nodes.configure()
    for node, cpus in nodes.cpus.items():
        narrator(f"node {node} has processor {','.join(map(str, cpus))}", DIM)
    peer = nodes.popen("b", [f"{nodes.bin}/llrund", "--name", "b"], stdin=subprocess.DEVNULL)
    # Before home looks for it: who finds no agent listening starts one, and that would be in the wrong namespace.
    while not os.path.exists(f"{nodes.directory}/tmp/llrun-{os.getuid()}/b.sock"):
        if peer.poll() is not None:
            raise ValueError(f"node b could not be started (exit {peer.returncode})")
        time.sleep(0.1)
    home = nodes.popen("home", [sys.executable, "-B", os.path.realpath(__file__), "--at-home", *arguments])
    try:
        return home.wait()
    finally:
        for node in (home, peer):
            node.kill()  # unshare, which holds back SIGTERM; its namespace's process 1 goes with it, and so do all
            node.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--at-home", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("directory")
    options = parser.parse_args()
    nodes, narrator = Nodes(os.path.realpath(options.directory)), Narrator()
    try:
        if not options.at_home:
            return run_both(nodes, narrator, sys.argv[1:])
        return show(nodes, narrator, (240, 180) if options.quick else (360, 270))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        narrator(f"the demo could not go on: {error}", RED)
        return 1


if __name__ == "__main__":
    sys.exit(main())
