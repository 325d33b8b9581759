"""One host: network, mount, process and name namespaces held by one process, so that killing it is a power-off.

Each host has its own /run, /etc/corosync, /var/lib/corosync, /dev/shm and charon plugin directory; everything that it writes stands
below its directory in the run directory.
"""
import os
import signal
import subprocess
import time
import traceback

from . import linux
from .wait import PATIENCE

_KINDS = {"mnt": linux.NEWNS, "uts": linux.NEWUTS, "net": linux.NEWNET}
_PLUGINS = "/usr/lib/ipsec/plugins"


class Service:
    """A long-running process of a host, by the name that scenarios use."""

    def __init__(self, name, process, log):
        self.name, self.process, self.log = name, process, log

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        return self.process.wait(timeout)

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()


class Host:
    def __init__(self, plan, directory, plugins=()):
        self.plan, self.name, self.directory = plan, plan.name, directory
        self.plugins = plugins  # of charon, ours
        self.services = {}
        self.up = False
        self.cabled = False     # somebody else has plugged it in

    def power_on(self):
        """Forks the process that holds the host. No program is started for it: that is slow in a booted kernel."""
        os.makedirs(self.directory, exist_ok=True)
        reading, writing = os.pipe()
        linux.unshare(linux.NEWPID)  # for the next child: it is the first process of the host
        self.pid = os.fork()
        if self.pid == 0:
            self._hold(writing)
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        linux.setns(own, linux.NEWPID)
        os.close(own)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            problem = pipe.read()  # up to the closing of the other end: the host is set up, or says why not
        if problem:
            raise RuntimeError(f"{self.name} cannot be set up: {problem}")
        self._hold_namespaces()

    def _hold_namespaces(self):
        self._fds = {kind: os.open(f"/proc/{self.pid}/ns/{kind}", os.O_RDONLY) for kind in (*_KINDS, "pid")}
        self.up = True

    def _hold(self, pipe):
        try:
            linux.die_with_parent()
            signal.alarm(0)
            os.setsid()
            linux.unshare(linux.NEWNS | linux.NEWNET | linux.NEWUTS)
            self._mount()
            linux.sethostname(self.name)
            os.closerange(3, 4096)  # ours, and those of other hosts, whose namespaces they would keep alive
        except BaseException:  # noqa: BLE001  whatever it was, the parent must be told
            os.write(pipe, traceback.format_exc().encode())
            os._exit(1)
        self._live()

    def _live(self):
        """What the first process does."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans of the host are reaped by the kernel
        while True:
            signal.pause()

    def _mount(self):
        linux.mount("none", "/", flags=linux.REC | linux.PRIVATE)
        own = os.open(self.directory, os.O_RDONLY)
        for path in ("/run", "/etc/corosync", "/var/lib/corosync", "/dev/shm"):
            os.makedirs(path, exist_ok=True)
            linux.mount("tmpfs", path, "tmpfs")
        os.mkdir("/run/hasyncd")
        os.makedirs(self.directory, exist_ok=True)  # of the run directory, below /run, a host sees its own part only
        linux.mount(f"/proc/self/fd/{own}", self.directory, flags=linux.BIND)
        os.close(own)
        for kind, path in (("proc", "/proc"), ("sysfs", "/sys"), ("bpf", "/sys/fs/bpf")):
            linux.mount(kind, path, kind)
        if self.plugins:
            self._overlay_plugins()

    def _overlay_plugins(self):
        """charon's plugin directory is compiled in: cover it, for this host only, by one that has ours as well."""
        os.mkdir("/run/plugins")
        linux.mount(_PLUGINS, "/run/plugins", flags=linux.BIND)
        linux.mount("tmpfs", _PLUGINS, "tmpfs")
        paths = {name: f"/run/plugins/{name}" for name in os.listdir("/run/plugins")}
        paths.update({os.path.basename(path): path for path in self.plugins})
        for name, path in paths.items():
            os.symlink(path, f"{_PLUGINS}/{name}")

    def kill(self):
        """SIGKILL to every process of the host, all stopped before: nobody must live to say, or act on it, that another died."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for name in sorted(self.services, key=lambda name: name != "corosync"):
                self.services[name].signal(number)
        os.kill(self.pid, signal.SIGKILL)  # and the kernel kills the rest when it gets to it

    def power_off(self):
        """Kills, and waits until nothing is left."""
        self.kill()
        for service in self.services.values():
            service.wait()  # ours to reap; the first process is gone only when all others are
        self._await_end()
        for descriptor in self._fds.values():
            os.close(descriptor)  # the last references: the network namespace goes too
        self.services = {}
        self.up = self.cabled = False

    def _await_end(self):
        os.waitpid(self.pid, 0)

    def _enter(self):
        for kind, number in _KINDS.items():
            linux.setns(self._fds[kind], number)
        os.setsid()

    def within(self, function):
        """Calls a function inside the host, in a child process; its exception text is raised here."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self._enter()
                function()
                os._exit(0)
            except BaseException:  # noqa: BLE001
                os.write(writing, traceback.format_exc().encode())
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            problem = pipe.read()
        os.waitpid(child, 0)
        if problem:
            raise RuntimeError(f"{self.name}: {problem}")

    def popen(self, command, **options):
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        linux.setns(self._fds["pid"], linux.NEWPID)  # for children only
        try:
            return subprocess.Popen(command, preexec_fn=self._enter, stdin=options.pop("stdin", subprocess.DEVNULL), **options)
        finally:
            linux.setns(own, linux.NEWPID)
            os.close(own)

    def run(self, *command, check=True, timeout=PATIENCE, stdin=None, env=None):
        """Runs a short command to its end and returns what it printed (stdout and stderr)."""
        process = self.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, env={**os.environ, **(env or {})})
        try:
            output, _ = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            raise RuntimeError(f"{self.name}: {' '.join(command)} took more than {timeout} s: {output[-500:]}") from None
        if check and process.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(command)} ended with {process.returncode}: {output[-1000:]}")
        return output

    def ip(self, *lines):
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
            file.write(text)
        return path

    def start(self, name, *command, env=None, output=None):
        """Starts a service; what it prints is appended to NAME.log (or goes to `output`)."""
        log = os.path.join(self.directory, name + ".log")
        with open(log, "a") as file:
            process = self.popen(command, stdout=output or file, stderr=file, env={**os.environ, **(env or {})})
        self.services[name] = Service(name, process, log)
        return self.services[name]

    def stop(self, name, number=signal.SIGTERM):
        service = self.services.pop(name)
        service.signal(number)
        try:
            return service.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            service.signal(signal.SIGKILL)
            service.wait()
            raise RuntimeError(f"{self.name}: {name} did not end within {PATIENCE} s of signal {number}") from None


def monotonic_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
