"""Makes the networks of topology.py real: one bridge per network, here, and a cable from it to each host.

This end of a cable is named NETWORK-HOST (wan-gw1), the host's end NETWORK0 (wan0). Captures are taken at this end:
it sees the wire and nothing else, in particular no packet that a host's kernel decrypted and looks at again.
"""
import socket
import os
import subprocess

from . import topology
from .netlink import set_links
from .wait import until


def _batch(lines):
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"ip -batch: {done.stderr}")


def port(network, host):
    return f"{network}-{host}"


def ports(plan):
    return [port(network, plan.name) for network in plan.at]


def lay_bridges():
    lines, there = [], {name for _, name in socket.if_nameindex()}
    for network in set(topology.NETWORKS) - there:  # containerlab wants them made before
        lines += [f"link add {network} type bridge stp_state 0 forward_delay 0 mcast_snooping 0", f"link set {network} up"]
    _batch(lines)
    for family in ("ip", "ip6", "arp"):  # a bridge stands for a cable: it has no packet filter, which costs whoever sends
        path = f"/proc/sys/net/bridge/bridge-nf-call-{family}tables"
        if os.path.exists(path):
            with open(path, "w") as file:
                file.write("0")


def connect(host):
    """Plugs a host in: cables, addresses, routes, forwarding."""
    if host.cabled:
        return
    plan, here, there = host.plan, [], []
    until(f"the old cables of {host.name} are gone",  # a host that was powered off takes them with it, a little later
          lambda: not {name for _, name in socket.if_nameindex()} & set(ports(plan)))
    for network in plan.at:
        cable = port(network, host.name)
        here += [f"link add {cable} type veth peer name {network}0 address {plan.mac(network)} netns {host.pid}",
                 f"link set {cable} master {network}", f"link set {cable} up"]
        there += [f"addr add {plan.address(network, family)}/{family.bits} dev {network}0{family.now}" for family in topology.FAMILIES]
        there += [f"link set {network}0 up"]
    _batch(here)
    # Without nodad an IPv6 address is tentative until the kernel comes to it, and no route's source.
    inner = [f"addr add {address} dev lo{' nodad' if ':' in address else ''}" for address in plan.inner]
    host.ip("link set lo up", *there, *inner, *(f"route add {route}" for route in plan.routes))
    host.within(lambda: _configure(plan))


def _configure(plan):
    for where in ("all", "default", *(f"{network}0" for network in plan.at)):
        for key in ("rp_filter", "accept_redirects", "send_redirects"):
            _set(f"ipv4/conf/{where}/{key}", 0)
    _set("ipv4/ip_forward", int(plan.gateway))
    _set("ipv6/conf/all/forwarding", int(plan.gateway))


def _set(key, value):
    with open(f"/proc/sys/net/{key}", "w") as file:
        file.write(str(value))


def cut(plan):
    """All cables of a host; the ring's first, for a host that could speak of the others there."""
    set_links(sorted(ports(plan), key=lambda name: name != port("ring", plan.name)), up=False)


def remove(plan):
    """What is left of a host's cables: its end goes with its namespace, at a time that the kernel chooses."""
    left = [port for port in ports(plan) if os.path.exists(f"/sys/class/net/{port}")]
    subprocess.run(["ip", "-force", "-batch", "-"], input="".join(f"link del {port}\n" for port in left), text=True,
                   capture_output=True)  # it may be gone by now


def unplug(host_name, network):
    set_links([port(network, host_name)], up=False)


def plug(host_name, network):
    set_links([port(network, host_name)], up=True)
