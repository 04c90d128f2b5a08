"""Waiting on events with a generous limit: the limit says that a test has failed, never how long something takes."""
import os
import select
import time

LIMIT_S = float(os.environ.get("LLRUN_TEST_LIMIT", 90))


class NeverCame(AssertionError):
    """The limit has passed. Says what was waited for and what was seen instead."""


LONG_PAUSE_S = 0.25  # between questions that start a program
# Between questions about what an agent decides once a second: on half a core those who ask are a load themselves.
DECISION_PAUSE_S = 0.5


def until(condition, what, limit=LIMIT_S, pause=0.02):
    """Polls `condition` for something true and returns it. For what announces itself in no other way. `what` is waited
    for, in words or as a function that gives them."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverCame(f"waited {limit} s for {what() if callable(what) else what}")
        time.sleep(pause)


class Output:
    """What comes out of a descriptor, kept whole, and waited on piece by piece."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self.text = b""
        self._seen = 0
        self.ended = False

    def _read_more(self, deadline, what):
        ready = select.select([self._descriptor], [], [], max(0, deadline - time.monotonic()))[0]
        if not ready:
            raise NeverCame(f"waited for {what!r}; after {self.text[:self._seen][-200:]!r} came "
                            f"{self.text[self._seen:][-2000:]!r}")
        try:
            piece = os.read(self._descriptor, 65536)
        except OSError:  # a terminal whose other end closed gives EIO
            piece = b""
        self.ended = not piece
        self.text += piece

    def wait_for(self, pattern, limit=LIMIT_S):
        """Waits until the compiled bytes `pattern` matches what has not been waited over yet; returns the match."""
        deadline = time.monotonic() + limit
        while True:
            match = pattern.search(self.text, self._seen)
            if match:
                self._seen = match.end()
                return match
            if self.ended:
                raise NeverCame(f"the output ended before {pattern.pattern!r}: {self.text[self._seen:]!r}")
            self._read_more(deadline, pattern.pattern)

    def wait_for_end(self, limit=LIMIT_S):
        deadline = time.monotonic() + limit
        while not self.ended:
            self._read_more(deadline, "the end of the output")
        return self.text
