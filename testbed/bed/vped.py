"""vped on the testbed's hosts: the gateways as nodes of one end, the peer as the other."""
import json
import os
import socket
import struct
import subprocess
import sys

from . import pcap, topology
from .services import must_live
from .wait import until

PORT, METRICS = 4510, 9421
GROUPS = {"IPv4": "239.192.0.1", "IPv6": "ff05::9:1"}
GROUP_INNER, GROUP_SPI = "239.1.1.1", 0x9000
_SPI = {"peer": 0xd0000001, "gateway": 0xc0000001}  # what each end receives under


def overhead(bed):
    """Octets of the outer IP header, UDP and VPE around a packet."""
    return bed.family.header + 8 + 32


def keys(bed):
    """The texts of both ends' new key files: the gateways' is the same, as they share the SA."""
    files = [os.path.join(bed.directory, name) for name in ("vpe-gateway.key", "vpe-peer.key")]
    for name in filter(os.path.exists, files):
        os.remove(name)
    subprocess.run([bed.program("vped/vped"), "keygen", *files], check=True)
    return [open(name).read() for name in files]


def start(bed, name, texts, peer="peer", workers=1, program="vped/vped"):
    """On a gateway towards the peer, or on the peer towards the gateway `peer`; ready, with its routes."""
    host, gateway = bed.hosts[name], name != "peer"
    own_end, other_end = ("gateway", "peer") if gateway else ("peer", "gateway")
    local, remote = _ends(bed, host)
    key = host.write("vpe.key", texts[0 if gateway else 1])
    config = host.write("vped.toml", _gateway(host, bed.address(name, "wan"), workers, max(0, host.plan.node - 1)) + f"""\
[[tunnel]]
name = "net"
peer = "{bed.address(peer, "wan")}"
out_spi = {_SPI[other_end]}
in_spi = {_SPI[own_end]}
local = ["{local}"]
remote = ["{remote}"]
key_file = "{key}"

[metrics]
listen = "127.0.0.1:{METRICS}"
""")
    return _run(bed, host, config, remote, program)


def _ends(bed, host):
    """What is behind this end of the tunnel, and what behind the other."""
    ends = bed.family.local_ts, bed.family.remote_ts
    return ends if host.plan.gateway else ends[::-1]


def metrics(bed, name):
    """The page for Prometheus, of a vped that start() has started."""
    ask = f"import urllib.request as http; print(http.urlopen('http://127.0.0.1:{METRICS}/metrics', timeout=5).read().decode())"
    return bed.hosts[name].run(sys.executable, "-c", ask)


def group_key(bed):
    """The text of a new key file, the same for all members."""
    path = os.path.join(bed.directory, "vpe-group.key")
    subprocess.run([bed.program("vped/vped"), "group-keygen", path], check=True)
    with open(path) as file:
        return file.read()


def start_in_group(bed, name, text, sender, workers=1):
    """A member of the one group, with this SenderID; ready, with its route."""
    host = bed.hosts[name]
    key = host.write("vpe.key", text)
    config = host.write("vped.toml", _gateway(host, bed.address(name, "wan"), workers) + f"""\
[[group]]
name = "group"
address = "{GROUPS[bed.family.name]}"
spi = {GROUP_SPI}
sender = {sender}
sources = ["{topology.V4.local_ts}", "{topology.V4.remote_ts}"]
destinations = ["{GROUP_INNER}/32"]
key_file = "{key}"
""")
    return _run(bed, host, config, f"{GROUP_INNER}/32", family=topology.V4)


def start_for_charon(bed, name, address, shared=False):
    """On a host with the plugin; its tunnels are CHILD_SAs of the IKE_SAs at this address, which may be another's now."""
    host = bed.hosts[name]
    own = _gateway(host, address, workers=1) + ("shared = true\n" if shared else "")
    config = host.write("vped.toml", own + "[charon]\n")
    service = _run(bed, host, config, _ends(bed, host)[1])
    until(f"vped of {name} is connected to charon", lambda: told(bed, name)["charon"] == "connected")
    return service


def send_singly(bed, name):
    """Its trains are cut before they are on the cable, or a recording would have the header of the first packet only."""
    bed.hosts[name].ip("link set wan0 gso_max_segs 1")


def _gateway(host, address, workers, node=0):
    """What all configurations begin with."""
    state = os.path.join(host.directory, "vpe-state")
    os.makedirs(state, exist_ok=True)  # a disk: it outlives a power-off
    return f"""\
[gateway]
address = "{address}"
port = {PORT}
workers = {workers}
node = {node}
state_dir = "{state}"
control = "/run/vped.sock"
"""


def _run(bed, host, config, remote, program="vped/vped", family=None):
    service = host.start("vped", bed.program(program), "--config", config)
    until(f"vped of {host.name} answers", lambda: _answers(host) or not service.alive())
    must_live(service, host)
    host.ip(f"route replace {remote} dev vpe0 src {inner(bed, host.name, family)}")
    return service


def inner(bed, name, family=None):
    """A host's address inside of the tunnel."""
    family, plan = family or bed.family, topology.HOSTS[name]
    return plan.address("lan", family) if plan.gateway else family.peer_inner


def status(bed, name):
    """As `haipsec vpe --json` tells it."""
    text = bed.hosts[name].run(bed.program("haipsec/haipsec"), "vpe", "--json", "--vped", "/run/vped.sock")
    return json.loads(text)["status"]


def told(bed, name):
    """The same without haipsec: programs start slowly in a booted kernel. One whose workers are busy is asked again."""
    return until(f"vped of {name} tells", lambda: _ask(bed, name).get("status"))


def _ask(bed, name):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(f"/proc/{bed.hosts[name].pid}/root/run/vped.sock")
        link.sendall(b'{"command":"status"}\n')
        text = b""
        while not text.endswith(b"\n") and (part := link.recv(65536)):
            text += part
    return json.loads(text)


def drops(bed, name):
    """How many packets were dropped there for each cause, the engines' and the workers' together; what was never dropped is not named."""
    out, now = {}, status(bed, name)
    for counts in [flow["drops"] for tunnel in now["tunnels"] for flow in (tunnel["sent"], tunnel["received"])] + \
            [worker["drops"] for worker in now["workers"]]:
        for cause, count in counts.items():
            if count:
                out[cause] = out.get(cause, 0) + count
    out.pop("no-tunnel", None)  # what a kernel says to all routers on a new device
    return out


def windows(path):
    """The numbers of each (SPI, SenderID, WindowID) in a recording, in the order in which they passed."""
    out = {}
    for _, frame in pcap.frames(path, whole=False):
        if header := header_of(frame):
            spi, sender, window, number = struct.unpack_from("!IHHQ", header)
            out.setdefault((spi, sender, window), []).append(number)
    return out


def frames_from(path, source):
    """Whole frames of a recording in which this address has sent VPE, as a receiver would take them."""
    return [pcap.summed(frame) for _, frame in pcap.frames(path) if header_of(frame) and pcap.packet(frame)[1] == source]


def header_of(frame):
    """VPE's header and what is behind it; None if the frame is none of VPE's."""
    protocol, _, behind = pcap.packet(frame)
    return behind[8:] if protocol == pcap.UDP and struct.unpack_from("!H", behind, 2)[0] == PORT else None


def repeated(seen):
    """How many packets have a number that another one of their window had: each would be a nonce used twice."""
    return sum(len(numbers) - len(set(numbers)) for numbers in seen.values())


def skipped(seen):
    """How many numbers were left out between the first and the last of each window."""
    return sum(max(numbers) - min(numbers) + 1 - len(set(numbers)) for numbers in seen.values())


def node_of(window):
    return window[2] >> 12  # docs/vpe.md, WindowID


def incarnation_of(window):
    return window[2] >> 7 & 31


def _answers(host):
    with socket.socket(socket.AF_UNIX) as link:
        try:
            link.connect(f"/proc/{host.pid}/root/run/vped.sock")
        except OSError:
            return False
    return True
