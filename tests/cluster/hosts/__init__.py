"""Test hosts that cannot cheat: small machines made of namespaces on the one at hand.

A host has its own pid, mount, ipc, uts, net and cgroup namespace, a root tree of its own entered by pivot_root,
a user with a uid that no other host uses, its own /proc, /dev, /tmp and /run, an sshd, and CPU and memory limits.
No writable directory is shared between two hosts, and a peer lacks the programs that are to run there: when
such a program runs on it all the same, it came over the wire.

Needs root. The product inside runs as the host's ordinary user.
"""
