"""Figures: TCP from host to host: through vped, through vped without a cipher, through charon's kernel-libipsec, and on the bare path.

They take turns within each round, on the same two hosts and the same cable, so that what else the machine does meets all of them; the
ratios are those of one round. One worker at each end, one TCP stream. Variant: how many rounds (5).
"""
import json
import os

from bed import topology, vped
from bed.vici import Vici
from bed.wait import until

_SECONDS = 3


def play(bed, rounds="5"):
    bed.charon_load["gw1"] = ""
    bed.start("gw1", "peer")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "peer")
    samples = {}
    for number in range(int(rounds)):
        rate = {"clear": _through_vped(bed, "vped/bench_vped_clear"), "vpe": _through_vped(bed, "vped/vped"),
                "libipsec": _through_charon(bed), "path": _tcp(bed, bed.hosts["peer"].plan.address("wan"))}
        bed.say(f"round {number + 1}: " + ", ".join(f"{name} {value:.2f} Gbit/s" for name, value in rate.items()))
        for key, value in (("gateway_crypto_ratio", rate["vpe"] / rate["clear"]), ("gateway_vs_libipsec", rate["vpe"] / rate["libipsec"]),
                           ("gateway_gbps", rate["vpe"]), ("gateway_clear_gbps", rate["clear"]),
                           ("gateway_libipsec_gbps", rate["libipsec"]), ("gateway_path_gbps", rate["path"]),
                           ("gateway_load", os.getloadavg()[0])):
            samples.setdefault(key, []).append(value)
    bed.facts["samples"] = samples


def _through_vped(bed, program):
    texts = vped.keys(bed)
    for name in ("peer", "gw1"):
        vped.start(bed, name, texts, peer="gw1" if name == "peer" else "peer", program=program)
    try:
        return _tcp(bed, topology.PEER_INNER)
    finally:
        bed.expect("dropped", vped.drops(bed, "peer"), {})
        for name in ("gw1", "peer"):
            bed.hosts[name].stop("vped")


def _through_charon(bed):
    bed.initiate()
    try:
        return _tcp(bed, topology.PEER_INNER)
    finally:
        with Vici(bed.hosts["peer"]) as vici:
            vici.command("terminate", ike="tunnel", timeout=10000)
        until("the tunnel is gone", lambda: not bed.spis("gw1"))


def _tcp(bed, to):
    """Gbit/s that came to the peer."""
    bed.hosts["peer"].start("iperf3", "iperf3", "--server", "--one-off", "--bind", to)
    until("iperf3 listens", lambda: f"{to}:5201" in bed.hosts["peer"].run("ss", "-Htln"))
    own = bed.hosts["gw1"].plan.address("wan" if to == bed.hosts["peer"].plan.address("wan") else "lan")
    text = bed.hosts["gw1"].run("iperf3", "--client", to, "--bind", own, "--time", str(_SECONDS), "--omit", "1", "--json", timeout=60)
    bed.hosts["peer"].services.pop("iperf3").wait()
    return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9
