#!/usr/bin/python3 -B
"""At a real terminal bash, and whoever types, see of a moved program what they would see of it unmoved.

Each scene is played twice, once bare and once under llrun with a move in it, and the screens are compared.
"""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case, waiting  # noqa: E402
from scenario.terminal import CTRL_C, CTRL_D, CTRL_Z, Terminal  # noqa: E402

GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guests")


class Scene:
    """One playing: a terminal, the attendant in it, and `travel`, which moves it or does nothing."""

    def __init__(self, test, name, run, travel):
        self.host, self.name, self._travel = test.a, name, travel
        self.host.put(f"{GUESTS}/attendant.py", f"{name}/attendant.py")
        self.terminal = Terminal(self.host, f"{self.host.home}/{name}", {"RUN": run})
        test.addCleanup(self.terminal.close)
        self.pid = None

    def begin(self, options=""):
        """Types the command and waits until the attendant sits there."""
        self.terminal.type(f"$RUN ./attendant.py {options}\n")
        self.terminal.wait_for(rb"attending, (True|False), \d+x\d+\r\n")
        self._read_pid()

    def begin_in_background(self, options=""):
        """Quietly, since the shell's prompt and the program's first words would come in any order."""
        self.terminal.run(f"$RUN ./attendant.py --quiet {options} &")
        self._read_pid()

    def _read_pid(self):
        waiting.until(lambda: self.host.exists(f"{self.name}/pid"), "the attendant to sit down")
        self.pid = int(self.host.read(f"{self.name}/pid"))

    def travel(self):
        self._travel(self.pid)

    def send(self, number):
        self.host.run(["kill", f"-{number.value}", str(self.pid)])

    def let_go(self):
        self.host.write(f"{self.name}/go", "")

    def wait_until_stopped(self):
        waiting.until(lambda: re.search(r"^State:\s+[Tt]", self.host.read(f"/proc/{self.pid}/status"), re.MULTILINE),
                      "the program to stop")

    def screen(self):
        """All that was shown, without what differs by nature: process ids."""
        text = self.terminal.output.text.decode(errors="replace").replace("\r", "")
        return re.sub(rf"\b{self.pid}\b", "PID", text)


class AtATerminal(case.ProductCase):
    def play(self, scene_function):
        """Plays it bare and moved; returns the two screens after comparing them."""
        screens = []
        for name, run, travel in (("bare", "", lambda pid: None),
                                  ("moved", "llrun --stay --", lambda pid: self.product.migrate(pid, "b"))):
            self.playings = getattr(self, "playings", 0) + 1
            scene = Scene(self, f"{name}-{self.playings}", run, travel)
            scene_function(scene)
            screens.append(scene.screen())
        self.assertEqual(screens[1], screens[0])
        return screens[0]

    def test_control_c(self):
        def scene(at):
            at.begin()
            at.travel()
            at.terminal.type(CTRL_C)
            at.terminal.wait_for_prompt()
            at.terminal.run("echo status $?")
        self.assertIn("status 130", self.play(scene))

    def test_control_z_and_fg(self):
        def scene(at):
            at.begin("--end 4")
            at.travel()
            at.terminal.type(CTRL_Z)
            at.terminal.wait_for_prompt()
            at.terminal.run("echo stopped with $?; jobs")
            at.terminal.type("fg\n")
            at.terminal.wait_for(rb"continued\r\n")
            at.let_go()
            at.terminal.wait_for_prompt()
            at.terminal.run("echo status $?")
        screen = self.play(scene)
        self.assertIn("Stopped", screen)
        self.assertIn("status 4", screen)

    def test_moved_while_in_the_background(self):
        def scene(at):
            at.begin_in_background("--end 5")
            at.travel()
            at.terminal.type("fg\n")
            at.terminal.wait_for(rb"--quiet --end 5\r\n")  # the shell's word first: it and the program's are no pair
            at.let_go()
            at.terminal.wait_for(rb"told to end\r\n")
            at.terminal.wait_for_prompt()
            at.terminal.run("echo status $?")
        self.assertIn("status 5", self.play(scene))

    def test_window_size(self):
        def scene(at):
            at.begin()
            at.travel()
            at.terminal.resize(33, 111)
            at.terminal.wait_for(rb"size 33x111\r\n")
            at.let_go()
            at.terminal.wait_for_prompt()
        self.assertIn("size 33x111", self.play(scene))

    def test_lines_typed_and_end_of_file(self):
        def scene(at):
            at.begin("--read --end 6")
            at.travel()
            at.terminal.type("first line\n")
            at.terminal.wait_for(rb"read first line\r\n")
            at.terminal.type("second\n")
            at.terminal.wait_for(rb"read second\r\n")
            at.terminal.type(CTRL_D)
            at.terminal.wait_for(rb"end of file\r\n")
            at.terminal.wait_for_prompt()
            at.terminal.run("echo status $?")
        self.assertIn("status 6", self.play(scene))

    def test_the_shell_reads_what_the_program_left(self):
        """Typed ahead while a program that does not read runs: it is the shell's, byte for byte."""
        def scene(at):
            at.begin()
            at.travel()
            at.terminal.type("echo typed ahead\n")
            at.let_go()
            at.terminal.wait_for(rb"ready> typed ahead\r\n")
            at.terminal.wait_for_prompt()
        self.play(scene)

    def test_terminate_with_a_handler(self):
        def scene(at):
            at.begin("--polite")
            at.travel()
            at.send(signal.SIGTERM)
            at.terminal.wait_for(rb"terminated politely\r\n")
            at.terminal.wait_for_prompt()
            at.terminal.run("echo status $?")
        self.assertIn("status 7", self.play(scene))

    def test_terminate_and_kill(self):
        for number, word in ((signal.SIGTERM, "Terminated"), (signal.SIGKILL, "Killed")):
            def scene(at, number=number):
                at.begin()
                at.travel()
                at.send(number)
                at.terminal.wait_for_prompt()
                at.terminal.run("echo status $?")
            screen = self.play(scene)
            self.assertIn(word, screen)
            self.assertIn(f"status {128 + number}", screen)

    def test_stop_and_continue_from_elsewhere(self):
        def scene(at):
            at.begin_in_background()
            at.travel()
            at.send(signal.SIGSTOP)
            at.wait_until_stopped()
            at.send(signal.SIGCONT)
            at.terminal.wait_for(rb"continued\r\n")
            at.let_go()
            at.terminal.wait_for(rb"told to end\r\n")
        self.play(scene)

    def test_exit_codes(self):
        for code in (0, 1, 255):
            def scene(at, code=code):
                at.begin(f"--end {code}")
                at.travel()
                at.let_go()
                at.terminal.wait_for_prompt()
                at.terminal.run("echo status $?")
            self.assertIn(f"status {code}", self.play(scene))

    def test_death_by_a_fault(self):
        def scene(at):
            at.begin("--end segv")
            at.travel()
            at.let_go()
            at.terminal.wait_for_prompt()
            at.terminal.run("echo status $?")
        screen = self.play(scene)
        self.assertIn("Segmentation fault", screen)
        self.assertIn("status 139", screen)


if __name__ == "__main__":
    case.main()
