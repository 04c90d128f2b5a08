"""llrun, llrund and llrunctl as a test sees them on one home host. Everything that knows their output is here."""
import itertools
import json
import os
import subprocess

from . import waiting

DONE, REFUSED, USAGE, NO_SUCH_PROCESS, UNREACHABLE = range(5)


class Refused(AssertionError):
    """llrunctl said no where the test needs a yes; carries what it said."""


class Product:
    """The product with `home` as the node that one types on; every other host of the cluster is a peer by ssh."""

    def __init__(self, cluster, home="a", settings=""):
        self.cluster, self.home, self.settings = cluster, cluster[home], settings
        self._numbers = itertools.count(1)

    def configure(self):
        """Writes llrun.conf on home and starts its agent."""
        self.write_conf()
        for host in self.cluster.hosts.values():
            host.write(f".local/state/llrun/{host.spec['machine_id']}/name-slow-tasks", "")
        self.ctl("nodes")
        for name in self.cluster.hosts:
            if name != self.home.name:
                waiting.until(lambda: self.node_is_reachable(name), f"node {name} to be reachable:\n"
                              + self.ctl("nodes").stdout)
        return self

    def write_conf(self, host=None, settings=None):
        """The same nodes for every host: a node's entry for itself is ignored."""
        peers = "".join(f"{name} = ssh {name} llrund --stdio\n" for name in self.cluster.hosts)
        (host or self.home).write(".config/llrun/llrun.conf",
                                  f"{self.settings if settings is None else settings}\n[nodes]\n{peers}")

    # --- llrunctl ---------------------------------------------------------------------------------------

    def ctl(self, *words, host=None):
        return (host or self.home).run(["llrunctl", *map(str, words)], check=False)

    def must(self, *words):
        done = self.ctl(*words)
        if done.returncode != DONE:
            raise Refused(f"llrunctl {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        """The objects that `llrunctl … --json` prints, one a line."""
        return [json.loads(line) for line in self.must(*words, "--json").splitlines() if line.strip()]

    def row(self, pid):
        return next((row for row in self.json("ps") if row.get("pid") == pid), None)

    def node_is_reachable(self, name):
        return any(name in (row.get("node"), row.get("name")) and row.get("reachable", True)
                   for row in self.json("nodes"))

    def where(self, pid):
        """The node it runs on by name; None when the agent does not know the process."""
        row = self.row(pid)
        return None if row is None else row.get("where") or self.home.name

    def moves(self, pid):
        return (self.row(pid) or {}).get("moves", 0)

    def why(self, pid):
        return self.must("why", pid)

    def log(self, host=None):
        """Everything logged on home, or another host, so far."""
        return (host or self.home).read_all(".local/state/llrun/*/log")

    # --- holding a step: docs/protocol.md ----------------------------------------------------------------

    @staticmethod
    def _hold_file(host, point):
        return f".local/state/llrun/{host.spec['machine_id']}/hold/{point}"

    def allow_holds(self):
        """Supervisors that start from here on look for holds."""
        for host in self.cluster.hosts.values():
            host.write(self._hold_file(host, "nothing"), "")

    def hold(self, host, point):
        """From here on jobs of `host` stop at `point`, say "guest-Commit"; the Held waits for one that does."""
        host.write(self._hold_file(host, point), "")
        return Held(self, host, point)

    def let_go(self, host, point):
        if host.exists(self._hold_file(host, point)):
            os.unlink(host.path(self._hold_file(host, point)))

    # --- moving -----------------------------------------------------------------------------------------

    def known(self, pid):
        """Waits until the agent has heard of the process."""
        waiting.until(lambda: self.where(pid), f"llrunctl ps to show {pid}", pause=waiting.LONG_PAUSE_S)

    def migrate(self, pid, node):
        """The answer comes when it has arrived; it may be on its way home since, if it has made a call for it."""
        self.known(pid)
        self.must("migrate", pid, node)

    def bring_home(self, pid):
        self.must("home", pid)
        self.arrive(pid, self.home.name)

    def arrive(self, pid, node):
        waiting.until(lambda: self.where(pid) == node,
                      lambda: f"{pid} to run on {node}; {self.ctl('why', pid, '--explain').stdout}{self._log_end()}",
                      pause=waiting.LONG_PAUSE_S)

    def wait_for_log(self, text):
        waiting.until(lambda: text in self.log(), lambda: f"{text!r} in the log; {self._log_end()}",
                      pause=waiting.LONG_PAUSE_S)

    def _log_end(self):
        return f"the log ends:\n{self.log()[-3000:]}"

    def let_decide(self, seconds):
        """Waits until the home agent has measured, and so decided, for so long: by its own clock, not by ours."""
        def measured():
            return next(row["measured_at_ms"] for row in self.json("nodes") if row["self"])
        until = measured() + seconds * 1000
        waiting.until(lambda: measured() >= until, f"{seconds} more seconds of decisions",
                      pause=waiting.DECISION_PAUSE_S)

    # --- running ----------------------------------------------------------------------------------------

    def start(self, command, under_llrun=True, options=("--stay",), directory=None, environment=None, piped=False,
              **streams):
        """Starts `command` at home and returns the Job. --stay: it moves only when the test says so. piped: its input
        is a pipe that it alone reads; what is given to job.feed() arrives there."""
        prefix = ["llrun", *options, "--"] if under_llrun else []
        return Job(self.home, [*prefix, *command], f".job-{next(self._numbers)}", directory, environment, piped, streams)


class Held:
    """A point at which jobs stop. Counts those that had stopped there before."""

    def __init__(self, product, host, point):
        self.product, self.host, self.point = product, host, point
        self._before = self._count()

    def _count(self):
        return self.product.log(self.host).count(f"held at {self.point.partition('-')[2]}\n")

    def wait(self):
        waiting.until(lambda: self._count() > self._before,
                      f"{self.host.name} to hold {self.point}:\n{self.product.log(self.host)[-3000:]}")

    def let_go(self):
        self.product.let_go(self.host, self.point)


class Job:
    """A command running on a host. `pid` is the host's number for it; llrun execs, so it is the program's."""

    def __init__(self, host, command, pid_file, directory, environment, piped, streams):
        self.host, self.command = host, command
        announce = ["sh", "-c", 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"', f"{host.home}/{pid_file}"]
        # The processes that lead into the host keep what they were given; the shell's own pipe has one reader.
        # Its group is not that of others who come into the host: they could have that pipe, too.
        piping = ["setsid", "bash", "-c", 'cat | "$@"', "piping"] if piped else []
        streams = {"stdin": subprocess.PIPE if piped else subprocess.DEVNULL, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE} | streams
        self.process = host.popen([*piping, *announce, *command], directory=directory, environment=environment, **streams)
        waiting.until(lambda: host.exists(pid_file), f"{command} to start")
        self.pid = int(host.read(pid_file))
        os.unlink(host.path(pid_file))
        self.output = waiting.Output(self.process.stdout.fileno()) if self.process.stdout else None

    def feed(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def alive(self):
        return self.process.poll() is None

    def wait(self, limit=waiting.LIMIT_S):
        """The exit status as a shell gives it, after both outputs have ended: `self.out`, `self.err`."""
        self.out = self.output.wait_for_end(limit) if self.output else b""
        self.err = self.process.stderr.read() if self.process.stderr else b""
        return self.process.wait(limit)

    def kill(self):
        """For cleaning up: the program may have ended long ago."""
        self.host.run(["kill", "-KILL", str(self.pid)], check=False)
        self.process.kill()
        self.close_input()
        self.process.communicate()

    def close_input(self):
        """By hand, since communicate() would flush what a broken pipe can no longer take."""
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
            self.process.stdin = None
