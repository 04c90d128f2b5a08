"""POV-Ray and its scene on a host: how a test starts it and how it judges what came out."""
import os
import re
import sys

_REPOSITORY = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, f"{_REPOSITORY}/tools/lib")
import picture  # noqa: E402  (lies beside the demo, which uses it too)

SCENE = f"{_REPOSITORY}/demo/scene.pov"
# What a message says of time, memory and the machine's name differs from run to run, moved or not.
_VARYING = re.compile(rb"\d+ hours|\d+ minutes|[\d.]+ seconds|CPU-seconds|using \d+ thread|bytes|Rendered \d+ of"
                      rb"|Peak memory|K tokens|^.*\r", re.MULTILINE)


def command(output, width=240, height=180):
    """Two render threads, binary PPM, no display. While it draws it keeps OUTPUT.pov-state, from which +C continues."""
    return ["povray", "scene.pov", f"+O{output}", "+FP", f"+W{width}", f"+H{height}", "+A0.2", "+WT2", "-D"]


def install(host, directory):
    """Puts the scene into a directory of the host's user; returns the directory's path."""
    return os.path.dirname(host.put(SCENE, f"{directory}/scene.pov", 0o644))


def lasting_messages(text):
    """What POV-Ray says in every run alike: without progress and times, and without the numbers of its statistics,
    some of which depend on which thread drew what (its shadow caches are one a thread)."""
    lines = [line for line in text.replace(b"\r", b"\n").split(b"\n") if line.strip() and not _VARYING.search(line)]
    start = next((at for at, line in enumerate(lines) if b"Render Statistics" in line), len(lines))
    return lines[:start] + [re.sub(rb"[\d. ]+", b" # ", line) for line in lines[start:]]


def differing_pixels(host, left, right):
    return picture.differing_pixels(host.path(left), host.path(right))
