"""A network that delays and loses: netem on the switch's ports of one network."""
import contextlib
import subprocess

from . import network, topology

_HOW = {"wan": ("delay", "10ms", "4ms", "loss", "1%"), "ring": ("delay", "4ms", "2ms", "loss", "1%")}


@contextlib.contextmanager
def delayed(net):
    """While in here, for both directions of every cable of the network; nothing if `net` is empty."""
    ports = [network.port(net, plan.name) for plan in topology.HOSTS.values() if net in plan.at]  # none of no network
    for port in ports:
        subprocess.run(["tc", "qdisc", "replace", "dev", port, "root", "netem", *_HOW[net]], check=True)
    try:
        yield
    finally:
        for port in ports:  # a host that was powered off has taken its cable along
            subprocess.run(["tc", "qdisc", "del", "dev", port, "root"], capture_output=True)
