"""VPE whose keys IKEv2 makes: agreed, rekeyed under traffic, a vped and a charon that start anew, deleted.

Variant esp: one end does not agree, having no vped or no plugin, and the CHILD_SA is ESP.
"""
import json
import sys
from dataclasses import replace

from bed import numbered, pcap, services, vped
from bed.vici import Vici
from bed.wait import PATIENCE, until

_NOT_KEPT_SHORT = "delete_rekeyed_delay = 5"  # charon's default: the testbed's is shorter than vped's patience
_NAMED = f"{_NOT_KEPT_SHORT}\n  plugins {{\n    hasync {{\n      vpe = net\n    }}\n  }}"


def play(bed, variant="vpe"):
    bed.hosts["peer"].plugins = bed.hosts["gw1"].plugins
    bed.charon_extra = {"gw1": _NAMED, "peer": _NAMED}
    bed.tunnel = bed.plain(child=("policies = no",), dpd=0)
    bed.start("gw1", "peer")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "peer")
    vped.start_for_charon(bed, "gw1", bed.family.wan_vip)
    for part in (one_without_vped, one_without_plugin) if variant == "esp" else (agreed, rekeyed, vped_anew, charon_anew, deleted):
        part(bed)


def _tunnels(bed, name):
    return vped.told(bed, name)["tunnels"]


def _await_one(bed, name, *not_these):
    """The only tunnel of this vped, once it is sent on and its SPI is none of these."""
    def one():
        tunnels = _tunnels(bed, name)
        return tunnels[0] if len(tunnels) == 1 and tunnels[0]["sends"] and tunnels[0]["in_spi"] not in not_these else None
    return until(f"one tunnel in vped of {name}", one, every=0.2)


def _pings(bed, name="gw1", count=3):
    to = vped.inner(bed, "peer" if name == "gw1" else "gw1")
    text = bed.hosts[name].run("ping", "-c", str(count), "-i", "0.2", "-W", "2", to, check=False)
    return text.count("bytes from")


def _on_the_wire(bed):
    """Packets of VPE and of ESP in the last recording."""
    bed.pause(1)  # what has just passed is still on its way into the recording
    bed.stop_captures()
    frames = [frame for _, frame in pcap.frames(bed.captures[-1], whole=False)]
    return sum(vped.header_of(frame) is not None for frame in frames), sum(pcap.packet(frame)[0] == pcap.ESP for frame in frames)


def _policies(bed, name):
    return bed.hosts[name].run("ip", "xfrm", "policy").count(f"src {bed.family.local_ts} dst {bed.family.remote_ts}")


def _terminate(bed):
    with Vici(bed.hosts["peer"]) as vici:
        vici.command("terminate", child="net", timeout=PATIENCE * 1000)
    until("no CHILD_SA is left", lambda: not bed.spis("gw1") and not bed.spis("peer"))


def agreed(bed):
    vped.start_for_charon(bed, "peer", bed.address("peer", "wan"))
    bed.capture()
    bed.initiate()
    for name in ("gw1", "peer"):
        _await_one(bed, name)
        bed.expect(f"{name} pings through VPE", _pings(bed, name), 3)
        bed.expect(f"{name} has policies", _policies(bed, name), 0)
    seen = _on_the_wire(bed)
    (tunnel,) = vped.status(bed, "gw1")["tunnels"]
    bed.expect("keys of gw1's tunnel are from", tunnel["keys"], "charon: tunnel/net")
    bed.expect("packets of VPE", seen[0], lambda count: count >= 12)
    bed.expect("packets of ESP beside them", seen[1], 0)


def rekeyed(bed):
    """By either end, with traffic both ways: no packet is lost and none comes twice."""
    pairs = tuple((name, to, vped.inner(bed, to)) for name, to in (("gw1", "peer"), ("peer", "gw1")))
    receivers = {to: bed.hosts[to].start("receiver", sys.executable, numbered.__file__, "receive", "7000") for _, to, _ in pairs}
    for _, to, _ in pairs:
        until(f"the receiver of {to} listens", lambda host=bed.hosts[to]: ":7000" in host.run("ss", "-Huln"))
    for name, _, address in pairs:
        bed.hosts[name].start("sender", sys.executable, numbered.__file__, "send", address, "7000", "50")
    bed.say("traffic both ways")
    for by in ("peer", "gw1"):
        before = {name: _await_one(bed, name)["in_spi"] for name in ("gw1", "peer")}
        bed.rekey_child(by)
        both = until("both ends send on the new SA", lambda: all(_sends_anew(bed, name, before[name]) for name in before))
        bed.expect(f"after the rekey by {by} both send on the new SA", both, True)
        for name, spi in before.items():
            bed.expect(f"incarnation of {name} under the new key", _await_one(bed, name, spi)["incarnation"], 0)
    for name, _, _ in pairs:
        bed.hosts[name].services.pop("sender").process.kill()
    bed.pause(1)  # what is on its way
    for name, to, _ in pairs:
        bed.hosts[to].services.pop("receiver").process.terminate()
        receivers[to].wait()
        (came,) = json.loads(receivers[to].log_text()).values()
        bed.expect(f"packets from {name} that came", came["came"], lambda count: count > 200)
        bed.expect(f"packets from {name} that are missing", came["missing"], 0)
        bed.expect(f"packets from {name} that came twice", came["twice"], 0)


def _sends_anew(bed, name, old):
    return any(tunnel["sends"] and tunnel["in_spi"] != old and tunnel["sent"]["packets"] > 0 for tunnel in _tunnels(bed, name))


def vped_anew(bed):
    """A vped that starts again is told what there is, takes the next incarnation, and has the key changed."""
    before = _await_one(bed, "gw1")["in_spi"]
    logged = len(bed.hosts["gw1"].services["vped"].log_text())
    bed.stop("gw1", "vped")
    service = vped.start_for_charon(bed, "gw1", bed.family.wan_vip)
    until("it goes on under the old key with the next incarnation",
          lambda: f"tunnel/net with {bed.peer_address}: carried, incarnation 1\n" in service.log_text()[logged:])
    bed.expect("ping goes on", _pings(bed), 3)
    bed.expect("incarnation under the new key", _await_one(bed, "gw1", before)["incarnation"], 0)
    bed.expect("ping under the new key", _pings(bed), 3)


def charon_anew(bed):
    """A charon that is killed: vped goes on, and drops what the next one does not have."""
    bed.signal("peer", "charon", 9)
    bed.expect("ping goes on without charon", _pings(bed), 3)
    services.charon(bed, bed.hosts["peer"])
    until("vped of the peer has dropped the old SA", lambda: not _tunnels(bed, "peer"))
    before = _await_one(bed, "gw1")["in_spi"]
    bed.initiate()  # with INITIAL_CONTACT, upon which gw1 drops the old IKE_SA
    for name in ("gw1", "peer"):
        _await_one(bed, name, before)
    bed.expect("ping under new keys", _pings(bed), 3)


def deleted(bed):
    _terminate(bed)
    for name in ("gw1", "peer"):
        until(f"vped of {name} has no tunnel", lambda host=name: not _tunnels(bed, host))
    bed.expect("pings that are answered without a CHILD_SA", _pings(bed), 0)
    bed.expect("and are counted", vped.told(bed, "gw1")["workers"][0]["drops"]["no-tunnel"], lambda count: count >= 3)


def one_without_vped(bed):
    """The peer's plugin has no vped to announce: ESP, by policies that the plugins install."""
    as_esp(bed, "the peer without vped")


def one_without_plugin(bed):
    bed.stop("peer", "charon")
    bed.charon_load["peer"] = ""
    bed.charon_extra["peer"] = _NOT_KEPT_SHORT
    bed.tunnel = replace(bed.tunnel, child=(), gateway_child=("policies = no",))
    services.charon(bed, bed.hosts["peer"])
    services.load_connections(bed, bed.hosts["gw1"])
    as_esp(bed, "a peer without the plugin")


def as_esp(bed, what):
    bed.capture()
    bed.initiate()
    bed.expect(f"{what}: pings through ESP", (_pings(bed), _pings(bed, "peer")), (3, 3))
    bed.expect(f"{what}: outbound policies", (_policies(bed, "gw1"), _tunnels(bed, "gw1")), (1, []))
    bed.rekey_child("peer")
    bed.expect(f"{what}: pings after a rekey", (_pings(bed), _pings(bed, "peer")), (3, 3))
    seen = _on_the_wire(bed)
    bed.expect(f"{what}: packets of VPE", seen[0], 0)
    bed.expect(f"{what}: packets of ESP", seen[1], lambda count: count >= 24)
    _terminate(bed)
    bed.expect(f"{what}: policies that are left", _policies(bed, "gw1"), 0)
