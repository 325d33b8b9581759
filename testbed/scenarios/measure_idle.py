"""Figures: how much of one processor the owner's hasyncd takes when nothing happens but heartbeats, leases and the fence.

Nothing is sent. Variant: how many SAs are replicated (10000), over how many windows of five seconds (6).
"""
from bed import synthetic
from bed.host import monotonic_ns

_WINDOW = 5  # seconds


def play(bed, sas="10000", windows="6"):
    owner, standby = synthetic.begin(bed, int(sas), streaming=False)
    bed.pause(5)  # leases of the last SAs, the kernel's cleaning up
    samples = {"idle_cpu_percent": [], "idle_standby_cpu_percent": []}
    for _ in range(int(windows)):
        before = [_taken(bed, name) for name in (owner, standby)]
        bed.pause(_WINDOW)
        for (then, at), name, key in zip(before, (owner, standby), samples):
            now, later = _taken(bed, name)
            samples[key].append(100 * (now - then) / (later - at))
    bed.facts["samples"] = samples


def _taken(bed, name):
    """Nanoseconds on a processor since the start of this host's hasyncd, which has one thread; and of the clock."""
    with open(f"/proc/{bed.hosts[name].services['hasyncd'].process.pid}/schedstat") as file:
        return int(file.read().split()[0]), monotonic_ns()
