#!/usr/bin/python3 -B
"""What home keeps from a node, [view] of llrun.conf: a guest that wants it comes home, and is given it there."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case  # noqa: E402

# Says what each line of its input comes to.
GUEST = """
import os, sys
print("ready", flush=True)
for line in sys.stdin:
    try: said = eval(line)
    except OSError as problem: said = problem.strerror
    print("said", said, flush=True)
"""
SECRET = "what nobody else may know"


class View(case.ProductCase):
    SETTINGS = """
[view]
hide = ~/hidden ~/hidden-file ~/none
read-only = ~/fixed
"""

    def setUp(self):
        super().setUp()
        self.a.shell("mkdir hidden fixed open above; ln -s hidden by-link")
        for path in ("hidden/key", "hidden-file"):
            self.a.write(path, SECRET)
        for path in ("fixed/file", "open/file"):
            self.a.write(path, "as it was")

    def begin(self, *words, **options):
        self.job = self.start(["python3", "-c", GUEST, *words], piped=True, **options)
        self.job.output.wait_for(case.pattern("ready\n"))
        self.pid = self.job.pid
        self.go_away()

    def go_away(self):
        self.product.migrate(self.pid, "b")
        self.been_away = self.product.moves(self.pid)

    def ask(self, code):
        self.job.feed(f"{code}\n".encode())
        return self.job.output.wait_for(case.pattern("said (.*)\n")).group(1).decode()

    def assert_away(self, code, answer):
        """It does that where it is."""
        self.assertEqual(self.ask(code), str(answer))
        self.assertEqual((self.product.where(self.pid), self.product.moves(self.pid)), ("b", self.been_away), code)

    def assert_home(self, code, answer, because):
        """It comes home, does it there, and goes away again."""
        self.assertEqual(self.ask(code), str(answer))
        self.product.arrive(self.pid, "a")
        self.assertIn(because, self.product.row(self.pid)["last_reason"], code)
        self.go_away()

    def finish(self):
        self.job.close_input()
        self.assertEqual(self.job.wait(), 0, self.job.err)
        self.assertNotIn("which [view] keeps from it", self.product.log(), "no guest of ours is refused anything")

    def keeps(self, what, rule):
        return f"{self.a.home}/{what}, which [view] keeps from the node ({rule})"


class Hidden(View):
    RULE = "hide = {}/hidden"

    def test_its_attributes_and_names_are_true_away(self):
        self.begin()
        self.assert_away("os.stat('hidden/key').st_size", len(SECRET))
        self.assert_away("os.listdir('hidden')", ["key"])
        self.assert_away("os.path.exists('hidden-file') and os.access('hidden-file', os.R_OK)", True)
        self.assert_away("open('hidden/no-such-key')", "No such file or directory")
        self.assert_away("open('none/such')", "No such file or directory")
        self.assert_away("os.chmod('hidden/key', 0o640)", None)
        self.assertEqual(self.a.shell("stat -c %a hidden/key").strip(), "640")
        self.finish()

    def test_who_opens_it_comes_home(self):
        because = self.keeps("hidden/key", self.RULE.format(self.a.home))
        self.begin()
        self.assert_home("open('hidden/key').read()", SECRET, f"it opens {because}")
        self.assert_home("open('by-link/key').read()", SECRET, f"it opens {because}")
        self.assert_home(f"open('{self.a.home}/hidden-file', 'a').write('!')", 1, "it changes ")
        self.assertEqual(self.a.read("hidden-file"), SECRET + "!")
        self.assert_home("os.truncate('hidden/key', 4)", None, f"it changes {because}")
        self.assertEqual(self.a.read("hidden/key"), SECRET[:4])
        self.finish()

    def test_who_would_give_it_another_name_comes_home(self):
        self.begin()
        self.assert_away("os.rename('open/file', 'open/other')", None)
        self.assert_away("os.symlink('hidden/key', 'open/link')", None)
        self.assert_home("os.link('hidden/key', 'open/linked')", None, "it changes ")
        self.assertEqual(self.a.read("open/linked"), SECRET)
        self.assert_home("os.rename('hidden', 'above/hidden')", None, "it changes ")
        self.assert_home("os.symlink('open', 'none')", None, "it changes ")
        self.assertEqual(self.a.read("above/hidden/key"), SECRET)
        self.finish()

    def test_it_does_not_leave_while_it_has_it_open(self):
        self.product.must("level", "off")
        self.begin(options=())
        self.assertEqual(self.ask("(held := open('hidden/key')).read(4)"), SECRET[:4])
        self.product.arrive(self.pid, "a")
        said = self.product.ctl("migrate", self.pid, "b")
        self.assertNotEqual(said.returncode, 0)
        for text in (said.stdout + said.stderr, self.product.why(self.pid)):
            self.assertIn(f"the program has {self.a.home}/hidden/key open (fd ", text)
            self.assertIn(f"which [view] keeps from that node ({self.RULE.format(self.a.home)})", text)
        self.assertEqual(self.ask("held.read()"), SECRET[4:])
        self.assertEqual(self.ask("held.close()"), "None")
        self.go_away()
        self.assert_away("os.stat('hidden/key').st_size", len(SECRET))
        self.finish()


    def test_it_does_not_leave_with_what_it_opens_on_its_way(self):
        self.product.allow_holds()
        self.job = self.start(["python3", "-c", GUEST], piped=True)
        self.job.output.wait_for(case.pattern("ready\n"))
        self.pid = self.job.pid
        self.product.known(self.pid)
        held = self.product.hold(self.a, "home-Freezing")
        asked = self.a.popen(["llrunctl", "migrate", str(self.pid), "b"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        self.addCleanup(asked.communicate)
        held.wait()
        self.assertEqual(self.ask("(held := open('hidden/key')).read(4)"), SECRET[:4])
        held.let_go()
        self.assertIn(f"the program has {self.a.home}/hidden/key open (fd ", asked.communicate()[1])
        self.assertEqual((self.product.where(self.pid), self.product.moves(self.pid)), ("a", 0))
        self.assertEqual(self.ask("held.read()"), SECRET[4:])
        self.finish()


class ReadOnly(View):
    def test_it_is_read_away_and_changed_at_home(self):
        because = "it changes " + self.keeps("fixed/file", f"read-only = {self.a.home}/fixed")
        self.begin()
        self.assert_away("open('fixed/file').read()", "as it was")
        self.assert_home("open('fixed/file', 'a').write(' before')", 7, because)
        self.assertEqual(self.a.read("fixed/file"), "as it was before")
        self.assert_home("os.chmod('fixed/file', 0o600)", None, because)
        self.assertEqual(self.a.shell("stat -c %a fixed/file").strip(), "600")
        self.assert_home("os.mkdir('fixed/new')", None, "it changes ")
        self.assert_home("os.rename('open/file', 'fixed/new/file')", None, "it changes ")
        self.assertEqual(self.a.read("fixed/new/file"), "as it was")
        self.assert_home("os.unlink('fixed/file')", None, because)
        self.assertFalse(self.a.exists("fixed/file"))
        self.assert_away("os.mkdir('open/new')", None)
        self.finish()


class Only(View):
    SETTINGS = "[view]\nonly = /usr /lib /lib64 /etc ~/open\n"

    def test_all_else_is_for_home(self):
        self.begin()
        self.assert_away("open('open/file').read()", "as it was")
        self.assert_away("open('open/new', 'w').write('x')", 1)
        self.assert_away("os.stat('fixed/file').st_size", len("as it was"))
        self.assert_home("open('fixed/file').read()", "as it was", "it opens " + self.keeps("fixed/file", "only"))
        self.finish()


class OfANode(View):
    SETTINGS = "[view]\nhide = ~/hidden\n[view.b]\nhide = ~/fixed\n[view.c]\nhide = ~/open\n"

    def test_its_own_section_stands_for_what_all_get(self):
        self.begin()
        self.assert_away("open('hidden/key').read()", SECRET)
        self.assert_away("open('open/file').read()", "as it was")
        self.assert_home("open('fixed/file').read()", "as it was", f"hide = {self.a.home}/fixed")
        self.finish()


class Files(View):
    def test_what_it_has_used_away_is_listed(self):
        self.begin()
        self.assert_away("open('open/file').read()", "as it was")
        self.assert_away("open('open/new', 'w').write('x' * 10000)", 10000)
        self.assert_away("os.stat('fixed/file').st_size", len("as it was"))
        for place in ("b", "a"):
            rows = {row["path"].removeprefix(f"{self.a.home}/"): row for row in self.product.json("files", self.pid)}
            self.assertEqual((rows["open/file"]["opened"], rows["open/file"]["read_bytes"],
                              rows["open/file"]["written_bytes"]), (1, 9, 0))
            self.assertEqual((rows["open/new"]["opened"], rows["open/new"]["written_bytes"]), (1, 10000))
            self.assertNotIn("fixed/file", rows)
            self.assertFalse([row for row in rows.values() if row["refused"]])
            text = self.product.must("files", self.pid)
            self.assertRegex(text, rf"(?m)^ +1 +9 +0  {self.a.home}/open/file$")
            self.assertRegex(text, rf"(?m)^ +1 +0 +10000  {self.a.home}/open/new$")
            if place == "b":
                self.product.bring_home(self.pid)
        self.finish()

    def test_a_program_that_was_never_away_has_used_none(self):
        job = self.start(["sleep", "1000"])
        self.product.known(job.pid)
        self.assertIn("it has used no file", self.product.must("files", job.pid))
        self.assertFalse([row for row in self.product.json("files", job.pid) if "path" in row])


class Arguments(View):
    SETTINGS = "log-level = debug\n"
    ARGUMENTS = ("--password=open-sesame", "swordfish")

    def test_none_is_kept_in_a_log(self):
        self.begin(*self.ARGUMENTS)
        self.ask("os.spawnlp(os.P_WAIT, 'true', 'true', *sys.argv[1:])")
        self.product.arrive(self.pid, "a")
        self.go_away()
        self.ask("sys.argv[1:]")
        self.product.why(self.pid)
        self.ask("os.kill(os.getpid(), 17)")
        self.finish()
        for host in (self.a, self.b):
            log = self.product.log(host)
            self.assertIn(str(self.pid) if host is self.a else "guest", log)
            for word in (*self.ARGUMENTS, "sys.stdin"):
                self.assertNotIn(word, log)


if __name__ == "__main__":
    case.main()
