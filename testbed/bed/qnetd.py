"""A corosync-qnetd on one host, and the corosync-qdevice of each gateway, with certificates as corosync-qdevice(8) has them made.

hasyncd does not count its vote (docs/decisions/0008-two-nodes.md); the stories show what that means.
"""
import os
import re
import shutil

from .wait import until

HOST, NETWORK = "server", "lan"  # not the network of the ring: that may be cut, and both gateways still reach it
_SERVER, _NODE = "/etc/corosync/qnetd", "/etc/corosync/qdevice/net"
_AUTHORITY, _CERTIFICATE = f"{_SERVER}/nssdb/qnetd-cacert.crt", f"{_SERVER}/node.p12"


def section(bed):
    """Of corosync.conf. The device's times are Corosync's own, as in docs/examples/qnetd."""
    address = bed.address(HOST, NETWORK)
    return f"  device {{\n    model: net\n    votes: 1\n    net {{\n      host: {address}\n      algorithm: ffsplit\n    }}\n  }}\n"


def start_server(bed):
    """With its authority, which is made once."""
    server = bed.hosts[HOST]
    if not os.path.exists(_seen(server, _AUTHORITY)):
        server.run("sh", "-ec", f"mkdir -p {_SERVER} /run/corosync-qnetd; corosync-qnetd-certutil -i -G")
    server.start("qnetd", "/usr/bin/corosync-qnetd", "-f")
    bed.say("corosync-qnetd runs")


def start_devices(bed):
    """Beside each corosync; returns when all count qnetd's vote."""
    for name in bed.cluster:
        if bed.runs(name, "qdevice"):
            continue
        _certify(bed.hosts[HOST], bed.hosts[name])
        bed.hosts[name].start("qdevice", "/usr/sbin/corosync-qdevice", "-f")
    for name in bed.cluster:
        await_votes(bed, name, 3)
    bed.say("three votes: those of the gateways, and qnetd's")


def await_votes(bed, name, count):
    until(f"{name} counts {count} votes", lambda: votes(bed, name) == count, every=0.2)


def votes(bed, name):
    """What votequorum counts on this node."""
    told = bed.hosts[name].run("corosync-quorumtool", "-s", check=False)
    total = re.search(r"^Total votes:\s*(\d+)", told, re.MULTILINE)
    return int(total.group(1)) if total else None


def is_quorate(bed, name):
    return re.search(r"^Quorate:\s*Yes", bed.hosts[name].run("corosync-quorumtool", "-s", check=False), re.MULTILINE) is not None


def _certify(server, node):
    """One certificate for the cluster: the first node asks for it, the others import it."""
    if os.path.exists(_seen(node, f"{_NODE}/nssdb")):
        return
    node.run("mkdir", "-p", _NODE, "/run/corosync-qdevice")
    _copy(server, _AUTHORITY, node, "/run/authority.crt")
    node.run("corosync-qdevice-net-certutil", "-i", "-c", "/run/authority.crt")
    if not os.path.exists(_seen(server, _CERTIFICATE)):
        node.run("corosync-qdevice-net-certutil", "-r", "-n", "testbed")
        _copy(node, f"{_NODE}/nssdb/qdevice-net-node.crq", server, "/run/node.crq")
        server.run("corosync-qnetd-certutil", "-s", "-c", "/run/node.crq", "-n", "testbed", "-G")
        _copy(server, f"{_SERVER}/nssdb/cluster-testbed.crt", node, "/run/node.crt")
        node.run("corosync-qdevice-net-certutil", "-M", "-c", "/run/node.crt")
        _copy(node, f"{_NODE}/nssdb/qdevice-net-node.p12", server, _CERTIFICATE)
    else:
        _copy(server, _CERTIFICATE, node, "/run/node.p12")
        node.run("corosync-qdevice-net-certutil", "-m", "-c", "/run/node.p12")


def _seen(host, path):
    """A path of a host, as this process has it."""
    return f"/proc/{host.pid}/root{path}"


def _copy(source, file, target, to):
    shutil.copy(_seen(source, file), _seen(target, to))
