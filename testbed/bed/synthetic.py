"""A cluster whose charon and ESP are a stand-in's (tests/support/standin.cpp), so that hasyncd, Corosync and the eBPF programs
are measured alone and on this machine's kernel, with as many SAs as wanted.

The server sends plain datagrams to the gateways' address; the one that holds it makes an ESP packet of each.
"""
import dataclasses
import signal

from . import services, topology
from .wait import until

_RATE = 1000  # packets a second


def paced(bed, words):
    """The testbed's pace with some of it changed: "token=62" and the like; "lost=2": of a hundred datagrams to a node."""
    changes = {key: int(value) if value != "-" else None for key, value in (word.split("=") for word in words)}
    bed.lost = changes.pop("lost", 0)
    bed.pace = dataclasses.replace(bed.pace, **changes)


def begin(bed, sas, streaming=True):
    """The cluster, with `sas` replicated IKE_SAs, and the stream. Returns the names of the owner and of the standby."""
    owner, standby = start(bed, sas)
    fill(bed, owner, standby, sas)
    if streaming:
        _stream(bed)
    return owner, standby


def start(bed, sas):
    """The cluster, before there are any. Returns the names of the owner and of the standby."""
    bed.start()
    for name in topology.CLUSTER:
        _lose(bed, name)
    bed.start_corosync()
    for name in topology.GATEWAYS:
        services.standin(bed, bed.hosts[name], sas)
    bed.start_hasyncd(*topology.CLUSTER)
    return bed.await_cluster()


def fill(bed, owner, standby, sas):
    bed.hosts[owner].services["charon"].signal(signal.SIGUSR1)
    await_replicated(bed, owner, standby, sas)


def _stream(bed):
    server, vip = (bed.family.port(address, 7000) for address in (bed.address("server", "lan"), bed.family.lan_vip))
    bed.hosts["server"].start("stream", bed.program("testbed/stream/hasync-stream"), "--name", "server", "--local",
                              server, "--remote", vip, "--rate", str(_RATE), "--size", "200")
    bed.say(f"{_RATE} packets/s")


def come_back(bed, name, sas):
    """A node that was powered off, until it could take over again. Returns the names of the owner and of the standby."""
    bed.power_on(name)
    _lose(bed, name)
    bed.start_corosync(name)
    services.standin(bed, bed.hosts[name], sas)
    bed.start_hasyncd(name)
    owner, standby = bed.await_cluster()
    await_replicated(bed, owner, standby, sas)
    return owner, standby


def _lose(bed, name):
    if not bed.lost:
        return
    bed.hosts[name].run("nft", "-f", "-", stdin=f"""
table inet lossy {{
  chain ring {{
    type filter hook input priority 0
    iifname "ring0" numgen random mod 100 < {bed.lost} drop
  }}
}}
""")


def await_replicated(bed, owner, standby, sas):
    def safe():
        told = [bed.status(name) or {} for name in (owner, standby)]
        return all(one.get("tunnels") == sas for one in told) and told[0].get("unprotected") == 0
    until(f"{sas} tunnels are protected", safe, every=0.2)
    bed.say(f"{sas} tunnels are protected")
