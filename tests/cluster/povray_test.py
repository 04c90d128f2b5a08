#!/usr/bin/python3 -B
"""POV-Ray moves, by its own decision and when told to, launched by llrun and attached to; the picture is the same.

The peer has neither POV-Ray nor the scene nor the directory, so all of it crosses the wire.
"""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import HostSpec  # noqa: E402
from scenario import case, povray, waiting  # noqa: E402

SMALLEST_MOVE = 1_000_000  # bytes; POV-Ray's own anonymous memory with this scene is several times that


class PovRay(case.ProductCase):
    """Home may use half a core, so the picture takes long enough there for the move to happen in it."""
    SPECS = (HostSpec("a", has_programs=True, cores=0.5), HostSpec("b"))

    def setUp(self):
        super().setUp()
        self.moved_in = povray.install(self.a, "moved")
        self.unmoved_in = povray.install(self.a, "unmoved")

    def draw(self, **options):
        return self.start(povray.command("out.ppm"), directory=self.moved_in, **options)

    def wait_until_it_draws(self):
        waiting.until(lambda: self.a.exists("moved/out.pov-state"), "POV-Ray to begin drawing")

    def unmoved(self):
        """Draws it again without llrun; with the whole of home's processors, since time is no matter here."""
        self.a.limits.set_cpu(None)
        job = self.start(povray.command("out.ppm"), under_llrun=False, directory=self.unmoved_in)
        self.assertEqual(job.wait(), 0)
        return job

    def assert_as_unmoved(self, job):
        self.assertEqual(job.wait(), 0, job.err)
        unmoved = self.unmoved()
        self.assertEqual(povray.differing_pixels(self.a, "moved/out.ppm", "unmoved/out.ppm"), 0)
        self.assertEqual(povray.lasting_messages(job.err), povray.lasting_messages(unmoved.err))
        self.assertEqual(job.out, unmoved.out)
        self.assertEqual(self.a.shell("ls -A moved"), self.a.shell("ls -A unmoved"))

    def test_it_moves_by_its_own_decision(self):
        before = self.bytes_sent()
        job = self.draw(options=("--after", "2s"))
        self.product.arrive(job.pid, "b")
        self.assertFalse(self.b.exists("/usr/bin/povray"))
        self.assert_as_unmoved(job)
        self.assert_bytes_crossed(SMALLEST_MOVE, before)

    def test_it_moves_when_told_to(self):
        before = self.bytes_sent()
        job = self.draw()
        self.wait_until_it_draws()
        self.product.migrate(job.pid, "b")
        self.assert_as_unmoved(job)
        self.assert_bytes_crossed(SMALLEST_MOVE, before)

    def test_it_is_attached_to(self):
        """llrun did not start this one."""
        job = self.draw(under_llrun=False)
        self.wait_until_it_draws()
        attached = self.a.popen(["llrun", "--stay", "-p", str(job.pid)], stdin=subprocess.DEVNULL)
        self.addCleanup(attached.wait)
        self.product.migrate(job.pid, "b")
        self.assert_as_unmoved(job)

    def test_it_comes_home_and_finishes_there(self):
        job = self.draw()
        self.wait_until_it_draws()
        self.product.migrate(job.pid, "b")
        self.product.bring_home(job.pid)
        self.assert_as_unmoved(job)

    def test_what_it_saved_away_can_be_continued_at_home(self):
        """Interrupted on the peer, it leaves a state file; a bare POV-Ray goes on from that."""
        job = self.draw()
        self.wait_until_it_draws()
        self.product.migrate(job.pid, "b")
        size = os.stat(self.a.path("moved/out.pov-state")).st_size
        waiting.until(lambda: os.stat(self.a.path("moved/out.pov-state")).st_size > size, "the state file to grow")
        self.a.run(["kill", f"-{signal.SIGINT.value}", str(job.pid)])
        self.assertNotEqual(job.wait(), 0)
        self.a.limits.set_cpu(None)
        more = self.start([*povray.command("out.ppm"), "+C"], under_llrun=False, directory=self.moved_in)
        self.assertEqual(more.wait(), 0, more.err)
        self.assertIn(b"Rendered", more.err)
        self.unmoved()
        self.assertEqual(povray.differing_pixels(self.a, "moved/out.ppm", "unmoved/out.ppm"), 0)


if __name__ == "__main__":
    case.main()
