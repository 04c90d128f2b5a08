#!/usr/bin/python3 -B
"""A guest that is hostile to the node that it runs on: guests/hostile.cc takes the pages by which its supervisor makes calls
in it, and calls from there. It gains nothing by any of them (docs/world.md, "What binds a guest").
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from hosts.cluster import build_directory  # noqa: E402
from scenario import case, waiting  # noqa: E402

# What each attempt gives. EAGAIN: it is for home, and a program that has taken those pages can never go there.
FOR_HOME = "EAGAIN"
ROWS = dict.fromkeys("""keyring-id keyring-describe keyring-read add-key request-key inet vsock alg packet netlink-audit io-uring perf
    userfaultfd bpf memfd ptrace-init pidfd-init pidfd-getfd setns unshare-user unshare-files mount umount fsopen chroot pivot-root
    open-by-handle setuid setpriority syslog seccomp execve fork vfork clone clone-untraced clone-user-namespace clone3
    unknown""".split(), FOR_HOME) | {"mknod": FOR_HOME, "kill-init": "EPERM", "still-there": "EPERM"}
ENDING = ("prctl", "membarrier", "capset", "getgroups", "queue")


class HostileGuest(case.ProductCase):
    def away(self, *words, **options):
        """Starts it, moves it away and lets it loose; returns the job."""
        name = "-".join(("hostile", *words))
        self.a.put(f"{build_directory()}/bin/hostile", f"{name}/hostile")
        job = self.start(["./hostile", *words], directory=f"{self.a.home}/{name}", **options)
        job.output.wait_for(case.pattern("ready\n"))
        self.product.migrate(job.pid, "b")
        self.a.write(f"{name}/go", "")
        return job

    def test_rows(self):
        job = self.away("rows")
        self.assertEqual(job.wait(), 0)
        found = dict(line.split(" ", 1) for line in job.out.decode().splitlines() if " " in line)
        self.assertEqual(found, ROWS)

    def test_what_only_injections_may_make_ends_it_in_words(self):
        for name in ENDING:
            with self.subTest(name):
                job = self.away("call", name)
                self.assertEqual(job.wait(), 128 + 9)
                self.assertNotIn("gained", job.out.decode())
                self.product.wait_for_log("it makes a system call from where only its supervisor makes any")

    def test_a_call_that_changes_while_it_is_looked_at(self):
        job = self.away("race")
        self.assertEqual(job.wait(), 0)
        self.assertIn("race childless", job.out.decode())

    def test_a_name_like_a_line_of_its_status(self):
        """What the supervisor reads of it in /proc begins with a name that is the program's to choose."""
        job = self.away("name", "SigBlk")
        self.assertEqual(job.wait(), 0)
        self.assertIn("question 0", job.out.decode())
        job = self.away("name", "SigCgt")
        self.assertEqual(job.wait(), 128 + 6)
        self.product.wait_for_log("it ends by signal 6 with a core dump, which is written at home")

    def test_its_memory_dumped_here(self):
        """The kernel finds no handler where its supervisor has seen one, if the moment is right."""
        for microseconds in (100, 200, 400, 800, 1600, 3200, 6400):
            job = self.away("dumps", str(microseconds), piped=True)
            waiting.until(lambda pid=job.pid: self.a.run(["kill", "-0", str(pid)], check=False).returncode, "its end")
            job.close_input()  # which its shell has waited for
            if job.wait() == 128 + 6 and f"hostile ({job.pid}) is home again" not in self.product.log():
                self.assertFalse(self.a.exists(f"hostile-dumps-{microseconds}/core"), "of its node's kernel")
                return
        self.fail("the moment was never right")

    def test_code_of_its_own_in_the_vdso(self):
        """A thread that is stopped there is stepped out of it, through whatever the program has written there."""
        job = self.away("vdso")
        self.product.wait_for_log("is shared memory of more than 1 GiB")
        self.assertEqual(len(self.b.shell("pgrep -x hostile").split()), 1, "no child of it is there")


if __name__ == "__main__":
    case.main()
