"""Figures: how much of one processor the owner's hasyncd takes when nothing happens but heartbeats, leases and the fence; then, in
its place on the same hosts, a program that does nothing but send and receive as many datagrams (hasync-beat).

Nothing is sent. Variant: how many SAs are replicated (10000), over how many windows of five seconds (6).
"""
from bed import synthetic, topology
from bed.host import monotonic_ns

_WINDOW = 5  # seconds


def play(bed, sas="10000", windows="6"):
    owner, standby = synthetic.begin(bed, int(sas), streaming=False)
    bed.pause(5)  # leases of the last SAs, the kernel's cleaning up
    samples = _shares(bed, "hasyncd", {"idle_cpu_percent": owner, "idle_standby_cpu_percent": standby}, int(windows))
    for name in topology.CLUSTER:
        bed.stop(name, "hasyncd")
    _beat(bed)
    samples |= _shares(bed, "beat", {"idle_floor_percent": owner}, int(windows))
    bed.facts["samples"] = samples


def _beat(bed):
    for name in topology.CLUSTER:
        others = [bed.address(other, "ring") for other in topology.CLUSTER if other != name]
        bed.hosts[name].start("beat", bed.program("testbed/beat/hasync-beat"), str(bed.pace.heartbeat), bed.address(name, "ring"), *others)


def _shares(bed, service, hosts, windows):
    """Of a processor, in percent: what this service took in each window, by the key of each host."""
    samples = {key: [] for key in hosts}
    for _ in range(windows):
        before = {key: _taken(bed, name, service) for key, name in hosts.items()}
        bed.pause(_WINDOW)
        for key, name in hosts.items():
            (then, at), (now, later) = before[key], _taken(bed, name, service)
            samples[key].append(100 * (now - then) / (later - at))
    return samples


def _taken(bed, name, service):
    """Nanoseconds on a processor since the start of this service of a host, which has one thread; and of the clock."""
    with open(f"/proc/{bed.hosts[name].services[service].process.pid}/schedstat") as file:
        return int(file.read().split()[0]), monotonic_ns()
