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
_UDP_PORT, _PAYLOAD = 14 + 20 + 2, 14 + 20 + 8
OVERHEAD = 60  # IPv4, UDP and VPE's header
GROUP, GROUP6, GROUP_INNER, GROUP_SPI = "239.192.0.1", "ff05::9:1", "239.1.1.1", 0x9000
_SPI = {"peer": 0xd0000001, "gateway": 0xc0000001}  # what each end receives under


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
    other, own_end, other_end = bed.hosts[peer], *(("gateway", "peer") if gateway else ("peer", "gateway"))
    local, remote = (topology.LOCAL_TS, topology.REMOTE_TS) if gateway else (topology.REMOTE_TS, topology.LOCAL_TS)
    key = host.write("vpe.key", texts[0 if gateway else 1])
    config = host.write("vped.toml", _gateway(host, host.plan.address("wan"), workers, max(0, host.plan.node - 1)) + f"""\
[[tunnel]]
name = "net"
peer = "{other.plan.address("wan")}"
out_spi = {_SPI[other_end]}
in_spi = {_SPI[own_end]}
local = ["{local}"]
remote = ["{remote}"]
key_file = "{key}"

[metrics]
listen = "127.0.0.1:{METRICS}"
""")
    return _run(bed, host, config, remote, program)


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


def start_in_group(bed, name, text, sender, workers=1, outer6=False):
    """A member of the one group, with this SenderID; ready, with its route."""
    host = bed.hosts[name]
    key, own = host.write("vpe.key", text), host.plan.address6("wan") if outer6 else host.plan.address("wan")
    config = host.write("vped.toml", _gateway(host, own, workers) + f"""\
[[group]]
name = "group"
address = "{GROUP6 if outer6 else GROUP}"
spi = {GROUP_SPI}
sender = {sender}
sources = ["{topology.LOCAL_TS}", "{topology.REMOTE_TS}"]
destinations = ["{GROUP_INNER}/32"]
key_file = "{key}"
""")
    return _run(bed, host, config, f"{GROUP_INNER}/32")


def start_for_charon(bed, name, address, shared=False):
    """On a host with the plugin; its tunnels are CHILD_SAs of the IKE_SAs at this address, which may be another's now."""
    host = bed.hosts[name]
    own = _gateway(host, address, workers=1) + ("shared = true\n" if shared else "")
    config = host.write("vped.toml", own + "[charon]\n")
    service = _run(bed, host, config, topology.REMOTE_TS if host.plan.gateway else topology.LOCAL_TS)
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


def _run(bed, host, config, remote, program="vped/vped"):
    service = host.start("vped", bed.program(program), "--config", config)
    until(f"vped of {host.name} answers", lambda: _answers(host) or not service.alive())
    must_live(service, host)
    inner = host.plan.address("lan") if host.plan.gateway else topology.PEER_INNER
    host.ip(f"route replace {remote} dev vpe0 src {inner}")
    return service


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
        if frame[12:14] != b"\x08\0" or frame[23] != pcap.UDP or struct.unpack_from("!H", frame, _UDP_PORT)[0] != PORT:
            continue
        spi, sender, window, number = struct.unpack_from("!IHHQ", frame, _PAYLOAD)
        out.setdefault((spi, sender, window), []).append(number)
    return out


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
