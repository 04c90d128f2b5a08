#!/usr/bin/python3 -B
"""`llrunctl stack` names the functions of every thread, wherever the program runs."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from scenario import case  # noqa: E402

DEEP = "/opt/llrun/bin/deep"
# Innermost first; what the C library adds around them is its own business.
CHAINS = sorted([["deep::wait_for_nothing()"],
                 ["deep::nap()", "deep::sleeper()"],
                 ["deep::watch_clock()", "deep::timekeeper()"],
                 ["deep::spin()", *4 * ["deep::spinner(int)"]]])
ECHO = """
import os
os.write(1, b"ready\\n")
while text := os.read(0, 100): os.write(1, b"<" + text.strip() + b">\\n")
"""


class Stacks(case.ProductCase):
    def stacks(self, pid):
        """Each thread's id with the chain of the program's own functions, and every frame of all of them."""
        threads = self.product.json("stack", pid)
        self.assertEqual([thread["incomplete"] for thread in threads], [""] * len(threads), threads)
        chains = {thread["tid"]: [frame["symbol"] for frame in thread["frames"] if frame["symbol"].startswith("deep::")]
                  for thread in threads}
        return chains, [frame for thread in threads for frame in thread["frames"]]

    def assert_known(self, pid):
        chains, frames = self.stacks(pid)
        self.assertEqual(sorted(chains.values()), CHAINS)
        self.assertIn(pid, chains)
        own = [frame for frame in frames if frame["symbol"].startswith("deep::")]
        self.assertTrue(all(frame["file"].endswith("deep.cc") and frame["line"] > 0 for frame in own), own)
        self.assertTrue(all(frame["module"].endswith("/deep") and frame["build_id"] for frame in own), own)
        library = [frame["symbol"] for frame in frames if re.search(r"/libc\.so", frame["module"])]
        self.assertTrue(any("nanosleep" in symbol for symbol in library), library)
        return chains

    def test_the_same_at_home_away_and_home_again(self):
        job = self.start([DEEP])
        job.output.wait_for(case.pattern("ready\n"))
        self.product.known(job.pid)
        at_home = self.assert_known(job.pid)
        self.product.migrate(job.pid, "b")
        self.assertEqual(self.assert_known(job.pid), at_home)
        text = self.product.must("stack", job.pid)
        self.assertRegex(text, r"#0 .* deep::spin\(\)\+0x[0-9a-f]+ at \S*deep\.cc:\d+ in /opt/llrun/bin/deep")
        self.assertEqual(self.product.where(job.pid), "b")
        self.product.bring_home(job.pid)
        self.assertEqual(self.assert_known(job.pid), at_home)

    def test_a_guest_that_waits_for_input_of_home_does_not_notice(self):
        job = self.start(["python3", "-c", ECHO], piped=True)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        for text in ("one", "two"):
            threads = self.product.json("stack", job.pid)
            self.assertIn("read", {frame["symbol"].strip("_") for frame in threads[0]["frames"]})
            job.feed(text.encode() + b"\n")
            job.output.wait_for(case.pattern(f"<{text}>\n"))
        self.assertEqual(self.product.where(job.pid), "b")
        job.process.stdin.close()
        self.assertEqual(job.wait(), 0, job.err)
        self.assertEqual(job.out, b"ready\n<one>\n<two>\n")


if __name__ == "__main__":
    case.main()
