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


def unshare(kinds):
    _call("unshare", kinds)


def setns(descriptor, kind):
    _call("setns", descriptor, kind)


def mount(source, target, kind=None, flags=0, options=None):
    _call("mount", source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), options and options.encode())


def sethostname(name):
    _call("sethostname", name.encode(), len(name))


def die_with_parent():
    _call("prctl", 1, 9)  # PR_SET_PDEATHSIG, SIGKILL
