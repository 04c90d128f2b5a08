"""The few system calls that Python 3.11 does not offer. Failures raise OSError with what was attempted."""
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_NAME = 15
_SYS_PIVOT_ROOT_X86_64 = 155


def _check(result, attempt):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{attempt}: {os.strerror(number)}")


def _bytes(text):
    return None if text is None else os.fsencode(text)


def mount(source, target, kind=None, flags=0, data=None):
    """mount(2)."""
    _check(_libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(data)),
           f"mount {source} on {target} ({kind}, {data})")


def bind_read_only(source, target):
    """Binds source to target; read-only needs a second call, see mount(2) under MS_BIND."""
    mount(source, target, None, MS_BIND | MS_REC)
    mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def unmount_lazily(target):
    _check(_libc.umount2(_bytes(target), MNT_DETACH), f"umount {target}")


def pivot_root(new_root, put_old):
    """pivot_root(2), which glibc does not wrap."""
    _check(_libc.syscall(_SYS_PIVOT_ROOT_X86_64, _bytes(new_root), _bytes(put_old)), f"pivot_root {new_root}")


def set_process_name(name):
    _check(_libc.prctl(PR_SET_NAME, _bytes(name), 0, 0, 0), "prctl(PR_SET_NAME)")
