#!/usr/bin/python3
"""The checker of the arrows refuses what it must, so that its silence means something."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import layers  # noqa: E402


class Arrows(unittest.TestCase):
    def found(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full))
            with open(full, "w") as file:
                file.write(text)
            return layers.violations(root)[0]

    def test_down_is_allowed(self):
        self.assertEqual(self.found("supervisor/a.cc", '#include "tracer/x.h"\n#include <netproxy/y.h>\n'), [])
        self.assertEqual(self.found("tracer/ptrace/a.h", '#include "base/fd.h"\n#include "tracer/z.h"\n'), [])

    def test_up_and_sideways_are_refused(self):
        for path, include in (("base/a.h", "imagefmt/wire.h"), ("tracer/a.cc", "netproxy/channel/frame.h"),
                              ("netproxy/a.cc", "tracer/x.h"), ("policies/a.h", "tracer/x.h"),
                              ("imagefmt/a.h", "tracer/x.h"), ("tracer/a.h", "supervisor/x.h"),
                              ("supervisor/a.h", "tools/x.h"), ("base/a.cc", "tests/x.h")):
            self.assertEqual(len(self.found(path, f'#  include "{include}"\n')), 1, (path, include))

    def test_paths_that_climb_are_refused(self):
        self.assertEqual(len(self.found("tracer/a/b.cc", '#include "../../netproxy/x.h"\n')), 1)

    def test_there_is_one_clock(self):
        for line in ("  using Clock = std::chrono::steady_clock;\n", "  ::clock_gettime(CLOCK_MONOTONIC, &now);\n"):
            self.assertEqual(len(self.found("supervisor/job/a.cc", line)), 1)
            self.assertEqual(self.found("tracer/ptrace/a.cc", line), [], "a stop is waited for on this node alone")

    def test_foreign_headers_are_no_matter(self):
        self.assertEqual(self.found("base/a.cc", "#include <sys/stat.h>\n#include <vector>\n"), [])


if __name__ == "__main__":
    unittest.main()
