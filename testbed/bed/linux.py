"""The few system calls that Python 3.11 has no name for."""
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

NEWNS, NEWCGROUP, NEWUTS, NEWPID, NEWNET = 0x00020000, 0x02000000, 0x04000000, 0x20000000, 0x40000000
RDONLY, REMOUNT, BIND, MOVE, REC, PRIVATE = 0x1, 0x20, 0x1000, 0x2000, 0x4000, 0x40000


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def _syscall(number, *arguments):
    """Of those that are younger than libc's names for them; the numbers are the same on all architectures."""
    result = _libc.syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"syscall {number}{arguments}: {os.strerror(error)}")
    return result


def unshare(kinds):
    _call("unshare", kinds)


def setns(descriptor, kind):
    _call("setns", descriptor, kind)


def mount(source, target, kind=None, flags=0, options=None):
    _call("mount", source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), options and options.encode())


def open_tree(path):
    """A mount of what is at `path`, not attached anywhere yet: it can be carried into another mount namespace."""
    clone, recursive, close_on_exec = 0x1, 0x8000, os.O_CLOEXEC
    return _syscall(428, -100, path.encode(), clone | recursive | close_on_exec)  # AT_FDCWD


def move_mount(tree, target):
    """Attaches what `open_tree` returned."""
    empty_path = 0x4
    _syscall(429, tree, b"", -100, target.encode(), empty_path)


def sethostname(name):
    _call("sethostname", name.encode(), len(name))


def die_with_parent():
    _call("prctl", 1, 9)  # PR_SET_PDEATHSIG, SIGKILL
