"""A host that containerlab made: a container of the lab, driven through its namespaces.

The image brings Debian, charon, Corosync and iproute2. What is built here, and the host's own directory, are mounted into the
container under the names that they have on this machine, so that a story finds everything where it is elsewhere.
"""
import os
import subprocess

from . import linux
from .host import Host

LAB = "clab-hasyncd-"  # containerlab's prefix of the lab named hasyncd
_UNITS = ("hasyncd", "strongswan", "strongswan-starter", "corosync")  # the story starts its own


class Container(Host):
    def __init__(self, plan, directory, plugins, shared):
        super().__init__(plan, directory, plugins)
        self.shared = (directory, *shared)

    def power_on(self):
        """Begins to drive it; starts it when it is off."""
        os.makedirs(self.directory, exist_ok=True)
        self.pid = self._first_process()
        self.cabled = self.pid != 0  # by containerlab
        if not self.pid:
            self._docker("start")
            self.pid = self._first_process()
        self._hold_namespaces()
        trees = [(path, linux.open_tree(path)) for path in self.shared]
        self.within(lambda: self._prepare(trees))
        for _, tree in trees:
            os.close(tree)
        self.run("systemctl", "stop", *_UNITS, check=False)

    def kill(self):
        try:
            super().kill()
        except ProcessLookupError:
            pass  # a second time: it is docker's to reap

    def _first_process(self):
        return int(self._docker("inspect", "--format", "{{.State.Pid}}"))

    def _prepare(self, trees):
        for path, tree in trees:
            os.makedirs(path, exist_ok=True)
            linux.move_mount(tree, path)
        os.makedirs("/run/hasyncd", exist_ok=True)
        if not os.path.ismount("/sys/fs/bpf"):
            linux.mount("bpf", "/sys/fs/bpf", "bpf")
        if self.plugins:
            self._overlay_plugins()

    def _await_end(self):
        self._docker("wait")

    def _docker(self, verb, *options):
        done = subprocess.run(["docker", verb, *options, LAB + self.name], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"docker {verb} {LAB + self.name}: {done.stderr.strip()}")
        return done.stdout
