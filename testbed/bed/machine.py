"""A host that is a whole machine: a root of its own, systemd as its first process. What the packages install is all that it
has of ours. Its disk is kept in memory, above the root that it was installed on, and outlives a power-off.
"""
import os
import re
import stat
import tempfile

from . import control, linux
from .host import Host
from .wait import until

DISKS = "/run/machines"
_CGROUPS = DISKS + "/cgroups"
_DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
_IDLE = ("getty.target", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "systemd-udevd.service",
         "systemd-logind.service", "e2scrub_reap.service", "fstrim.timer")  # no part of the story, and slow


class Unit:
    """hasyncd as systemd runs it: in the place of a Service."""

    def __init__(self, machine):
        self.machine = machine

    def alive(self):
        return control.ask(self.machine, "status") is not None

    def signal(self, number):
        """The whole machine is killed, and this with it."""

    def wait(self):
        """Its end is the machine's."""


class Machine(Host):
    def __init__(self, plan, directory, root):
        super().__init__(plan, directory)
        self.root, self.disk = root, os.path.join(DISKS, plan.name)
        self.write_file("etc/hostname", plan.name + "\n")
        os.makedirs(f"{self.disk}/upper/etc/systemd/system")
        for unit in _IDLE:
            os.symlink("/dev/null", f"{self.disk}/upper/etc/systemd/system/{unit}")

    def write_file(self, path, text):
        """A file of the machine that is off."""
        os.makedirs(os.path.dirname(f"{self.disk}/upper/{path}"), exist_ok=True)
        with open(f"{self.disk}/upper/{path}", "w") as file:
            file.write(text)

    def edit(self, path, *changes):
        """Changes a file of the machine that is off: pairs of a pattern, which must be there, and its replacement."""
        with open(os.path.join(self.root, path)) as file:
            text = file.read()
        for pattern, replacement in changes:
            text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
            if not count:
                raise RuntimeError(f"{path} has no {pattern}")
        self.write_file(path, text)

    def power_on(self):
        os.makedirs(_CGROUPS, exist_ok=True)
        if not os.path.ismount(_CGROUPS):
            linux.mount("cgroup2", _CGROUPS, "cgroup2")
        self.cgroup = tempfile.mkdtemp(prefix=self.name + ".", dir=_CGROUPS)
        super().power_on()
        with open(f"{self.disk}/pid", "w") as file:
            file.write(str(self.pid))
        self.services = {"hasyncd": Unit(self)}
        until(f"{self.name} has booted", lambda: self.run("systemctl", "is-active", "multi-user.target", check=False) == "active\n",
              every=0.5)

    def power_off(self):
        super().power_off()
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            os.rmdir(folder)

    def _mount(self):
        linux.mount("none", "/", flags=linux.REC | linux.PRIVATE)
        self._own_cgroup()
        console = os.open(f"{self.directory}/console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor in (1, 2):
            os.dup2(console, descriptor)
        root = f"{self.disk}/root"
        for folder in (root, f"{self.disk}/work"):
            os.makedirs(folder, exist_ok=True)
        linux.mount("overlay", root, "overlay",
                    options=f"lowerdir={self.root},upperdir={self.disk}/upper,workdir={self.disk}/work")
        for kind, folder, flags in (("proc", "proc", 0), ("sysfs", "sys", linux.RDONLY), ("cgroup2", "sys/fs/cgroup", 0),
                                    ("bpf", "sys/fs/bpf", 0), ("tmpfs", "run", 0), ("tmpfs", "dev", 0)):
            linux.mount(kind, f"{root}/{folder}", kind, flags)
        for folder in ("sys", "sys/net"):  # the network's settings are the machine's, the others not
            linux.mount(f"{root}/proc/{folder}", f"{root}/proc/{folder}", flags=linux.BIND)
        linux.mount("none", f"{root}/proc/sys", flags=linux.REMOUNT | linux.BIND | linux.RDONLY)
        self._make_devices(f"{root}/dev")
        os.chdir(root)
        linux.mount(".", "/", flags=linux.MOVE)
        os.chroot(".")

    def _own_cgroup(self):
        """systemd finds itself at the root of the tree of groups."""
        with open(f"{self.cgroup}/cgroup.procs", "w") as file:
            file.write("0")
        linux.unshare(linux.NEWCGROUP)

    @staticmethod
    def _make_devices(folder):
        for name, minor in _DEVICES.items():
            os.mknod(f"{folder}/{name}", 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            os.chmod(f"{folder}/{name}", 0o666)
        for name in ("shm", "pts"):
            os.mkdir(f"{folder}/{name}")
        linux.mount("tmpfs", f"{folder}/shm", "tmpfs")
        linux.mount("devpts", f"{folder}/pts", "devpts", options="newinstance,ptmxmode=0666")
        os.symlink("pts/ptmx", f"{folder}/ptmx")

    def _live(self):
        os.execve("/lib/systemd/systemd", ["systemd", "--log-target=console"],
                  {"container": "testbed", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
