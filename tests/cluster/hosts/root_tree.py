"""Builds a host's root tree inside the host's fresh mount namespace, and enters it.

/usr and /etc are overlays without an upper directory, so read-only, of the machine's own under a layer of this
host's: whiteouts hide what the host must not have, files replace what identifies a machine. Everything
writable is a tmpfs of this namespace and ends with it.
"""
import os
import shutil
import stat
import uuid

from . import syscalls

_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0),
            "fuse": (10, 229)}
_DIRECTORIES = ["proc", "sys", "dev", "run", "home", "mnt", "opt/llrun", "srv", "var/lib", "var/log", "var/empty",
                "run/sshd", "run/user", "run/lock", "usr", "etc", ".old"]
_STICKY = ["tmp", "var/tmp"]
SSHD_PID = "/run/sshd.pid"
BOOT_ID = "/run/boot_id"  # what the host takes for the kernel's
_WHOLE_PROC = "/run/proc"


def _write(path, text, mode=0o644, owner=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
    os.chmod(path, mode)
    if owner is not None:
        os.chown(path, owner, owner)


def _whiteout(layer, relative):
    """A character device 0:0 in a higher layer hides the name in those below: overlayfs.rst, "whiteouts"."""
    target = os.path.join(layer, relative)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.mknod(target, stat.S_IFCHR, os.makedev(0, 0))


def _outermost(paths):
    """Those of `paths` that are below no other of them."""
    kept = []
    for path in sorted(set(paths)):
        if not kept or not path.startswith(kept[-1] + "/"):
            kept.append(path)
    return kept


def _overlay(stage, name, hidden, files):
    """Mounts /NAME as the machine has it, less `hidden`, with `files` ({relative path: (text, mode)}) over it."""
    layer = os.path.join(stage, "layers", name)
    os.makedirs(layer)
    for relative, (text, mode) in files.items():
        _write(os.path.join(layer, relative), text, mode)
    for path in _outermost(hidden):
        relative = os.path.relpath(path, f"/{name}")
        if path.startswith(f"/{name}/") and relative not in files and os.path.lexists(path):
            _whiteout(layer, relative)
    syscalls.mount("overlay", os.path.join(stage, "root", name), "overlay", 0, f"lowerdir={layer}:/{name}")


def _top_level(root):
    for directory in _DIRECTORIES:
        os.makedirs(os.path.join(root, directory), exist_ok=True)
    for directory in _STICKY:
        os.makedirs(os.path.join(root, directory))
        os.chmod(os.path.join(root, directory), 0o1777)
    os.mkdir(os.path.join(root, "root"), 0o700)
    os.symlink("/run", os.path.join(root, "var/run"))
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), os.path.join(root, name))


def _devices(root):
    dev = os.path.join(root, "dev")
    syscalls.mount("tmpfs", dev, "tmpfs", syscalls.MS_NOSUID, "mode=755")
    for name, (major, minor) in _DEVICES.items():
        os.mknod(os.path.join(dev, name), stat.S_IFCHR | 0o666, os.makedev(major, minor))
        os.chmod(os.path.join(dev, name), 0o666)
    for name in ("pts", "shm"):
        os.mkdir(os.path.join(dev, name))
    syscalls.mount("devpts", os.path.join(dev, "pts"), "devpts", syscalls.MS_NOSUID | syscalls.MS_NOEXEC,
                   "newinstance,ptmxmode=0666,mode=0620,gid=5")
    syscalls.mount("tmpfs", os.path.join(dev, "shm"), "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=1777")
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                         ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(target, os.path.join(dev, name))


def _own_boot(root, flags):
    """A boot of its own, as each machine has. What is masked in /proc would keep users from mounting a proc of their own in
    a user namespace (fs/namespace.c, mnt_already_visible), if there were not another that is whole."""
    os.mkdir(root + _WHOLE_PROC)
    syscalls.mount("proc", root + _WHOLE_PROC, "proc", flags)
    _write(root + BOOT_ID, f"{uuid.uuid4()}\n")
    syscalls.mount(root + BOOT_ID, os.path.join(root, "proc/sys/kernel/random/boot_id"), None, syscalls.MS_BIND)


def _kernel_views(root, cgroup_mounts):
    """What the kernel shows of itself."""
    plain = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("proc", os.path.join(root, "proc"), "proc", plain)
    _own_boot(root, plain)
    syscalls.mount("sysfs", os.path.join(root, "sys"), "sysfs", plain | syscalls.MS_RDONLY)
    base = os.path.join(root, "sys/fs/cgroup")
    if any(mount["at"] for mount in cgroup_mounts):
        syscalls.mount("tmpfs", base, "tmpfs", plain, "mode=755")
    for mount in cgroup_mounts:
        target = os.path.join(base, mount["at"]) if mount["at"] else base
        os.makedirs(target, exist_ok=True)
        syscalls.mount("cgroup", target, mount["kind"], plain, mount["data"])
    if any(mount["at"] for mount in cgroup_mounts):
        syscalls.mount(None, base, None, syscalls.MS_REMOUNT | plain | syscalls.MS_RDONLY, "mode=755")


def _home(root, spec):
    """The user's home and run-time directory; nobody else's."""
    uid = spec["uid"]
    for path, mode in ((spec["home"], 0o750), (f"/run/user/{uid}", 0o700)):
        full = root + path
        os.makedirs(full)
        os.chmod(full, mode)
        os.chown(full, uid, uid)
    for relative, (text, mode) in spec["home_files"].items():
        target = os.path.join(root + spec["home"], relative)
        _write(target, text, mode, uid)
        directory = os.path.dirname(target)
        while directory != root + spec["home"]:
            os.chown(directory, uid, uid)
            os.chmod(directory, 0o700)
            directory = os.path.dirname(directory)


def _disk(root, spec):
    """A directory of a real filesystem, which does what one in memory does not: O_DIRECT asks for alignment."""
    target = f"{root}{spec['home']}/disk"
    for path in (spec["disk"], target):
        os.makedirs(path)
        os.chown(path, spec["uid"], spec["uid"])
    syscalls.mount(spec["disk"], target, None, syscalls.MS_BIND)


def enter(stage, spec):
    """Builds the tree of `spec` under the directory `stage` and makes it the root."""
    syscalls.mount("llrun-host", stage, "tmpfs", 0, "mode=755")
    root = os.path.join(stage, "root")
    os.mkdir(root)
    syscalls.mount("llrun-root", root, "tmpfs", 0, "mode=755")
    _top_level(root)
    _overlay(stage, "usr", spec["hidden"], {})
    _overlay(stage, "etc", spec["hidden"], spec["etc_files"])
    _devices(root)
    _kernel_views(root, spec["cgroup_mounts"])
    _home(root, spec)
    if spec["disk"]:
        _disk(root, spec)
    syscalls.bind_read_only(spec["build"], os.path.join(root, "opt/llrun"))
    syscalls.pivot_root(root, os.path.join(root, ".old"))
    os.chdir("/")
    syscalls.unmount_lazily("/.old")
    os.rmdir("/.old")


def etc_files(spec):
    """What makes /etc this host's own: {relative path: (text, mode)}."""
    user, uid = spec["user"], spec["uid"]
    passwd = (f"root:x:0:0:root:/root:/bin/bash\nsshd:x:103:65534::/run/sshd:/usr/sbin/nologin\n"
              f"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
              f"{user}:x:{uid}:{uid}:{spec['name']}:{spec['home']}:/bin/bash\n")
    subids = f"{user}:{spec['subids']}:65536\n" if spec["subids"] else ""
    return {
        "passwd": (passwd, 0o644),
        "group": (f"root:x:0:\ntty:x:5:\nnogroup:x:65534:\n{user}:x:{uid}:\n", 0o644),
        "shadow": (f"root:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n{user}:*:19000:0:99999:7:::\n", 0o600),
        "subuid": (subids, 0o644),
        "subgid": (subids, 0o644),
        "hostname": (spec["name"] + "\n", 0o644),
        "machine-id": (spec["machine_id"] + "\n", 0o644),
        "hosts": ("127.0.0.1 localhost " + spec["name"] + "\n", 0o644),
        "ssh/ssh_host_ed25519_key": (spec["host_key"], 0o600),
        "ssh/ssh_host_ed25519_key.pub": (spec["host_key_public"], 0o644),
        "ssh/sshd_config": (_sshd_config(spec), 0o644),
        "ssh/ssh_config": ("Host *\n  BatchMode yes\n  StrictHostKeyChecking yes\n", 0o644),
    }


def _sshd_config(spec):
    environment = " ".join(f"{key}={value}" for key, value in spec["environment"].items()
                           if key in ("PATH", "XDG_RUNTIME_DIR", "LANG"))
    return ("Port 22\nHostKey /etc/ssh/ssh_host_ed25519_key\nUsePAM no\nPasswordAuthentication no\n"
            f"PrintMotd no\nPrintLastLog no\nMaxStartups 200\nMaxSessions 200\nPidFile {SSHD_PID}\nUseDNS no\n"
            # The default one costs a tenth of a second of processor time at each end, and hosts have a wire of their own.
            "KexAlgorithms curve25519-sha256\n"
            f"SetEnv {environment}\n")


def remove(stage):
    """Removes an empty stage directory left when its namespace has ended."""
    shutil.rmtree(stage, ignore_errors=True)
