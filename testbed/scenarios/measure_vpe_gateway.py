"""Figures: TCP from host to host: through vped, through vped without a cipher, through charon's kernel-libipsec, and on the bare path.

They take turns within each round, on the same two hosts and the same cable, so that what else the machine does meets all of them; the
ratios are those of one round. One worker at each end, one TCP stream. What a vped could do with a processor of its own follows from the
time that it used on one, which depends less on who else wants it. Variant: how many rounds (5).
"""
import json
import os

from bed import vped
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
        clear, clear_core = _through_vped(bed, "vped/bench_vped_clear")
        vpe, vpe_core = _through_vped(bed, "vped/vped")
        libipsec, path = _through_charon(bed), _tcp(bed, bed.address("peer", "wan"))
        bed.say(f"round {number + 1}, Gbit/s: clear {clear:.2f}, vpe {vpe:.2f}, libipsec {libipsec:.2f}, path {path:.2f}; "
                f"of a whole processor: clear {clear_core:.2f}, vpe {vpe_core:.2f}")
        for key, value in (("gateway_crypto_ratio", vpe / clear), ("gateway_crypto_core_ratio", vpe_core / clear_core),
                           ("gateway_vs_libipsec", vpe / libipsec), ("gateway_gbps", vpe), ("gateway_core_gbps", vpe_core),
                           ("gateway_clear_gbps", clear), ("gateway_clear_core_gbps", clear_core),
                           ("gateway_libipsec_gbps", libipsec), ("gateway_path_gbps", path), ("gateway_load", os.getloadavg()[0])):
            samples.setdefault(key, []).append(value)
    bed.facts["samples"] = samples


def _through_vped(bed, program):
    """Gbit/s that came through, and for each second that the busier of the two vped used of a processor."""
    texts, ends = vped.keys(bed), ("peer", "gw1")
    for name in ends:
        vped.start(bed, name, texts, peer="gw1" if name == "peer" else "peer", program=program)
    try:
        rate = _tcp(bed, bed.family.peer_inner)
        carried = vped.status(bed, "gw1")["tunnels"][0]["sent"]["bytes"] * 8 / 1e9
        return rate, carried / max(_used(bed.hosts[name].services["vped"].process.pid) for name in ends)
    finally:
        bed.expect("dropped", vped.drops(bed, "peer"), {})
        for name in ends:
            bed.hosts[name].stop("vped")


def _used(pid):
    """Seconds of a processor, in the program and in the kernel (proc(5), fields 14 and 15)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _through_charon(bed):
    bed.initiate()
    try:
        return _tcp(bed, bed.family.peer_inner)
    finally:
        with Vici(bed.hosts["peer"]) as vici:
            vici.command("terminate", ike="tunnel", timeout=10000)
        until("the tunnel is gone", lambda: not bed.spis("gw1"))


def _tcp(bed, to):
    """Gbit/s that came to the peer."""
    bed.hosts["peer"].start("iperf3", "iperf3", "--server", "--one-off", "--bind", to)
    until("iperf3 listens", lambda: f"{to}:5201" in bed.hosts["peer"].run("ss", "-Htln"))
    own = bed.address("gw1", "wan" if to == bed.address("peer", "wan") else "lan")
    text = bed.hosts["gw1"].run("iperf3", "--client", to, "--bind", own, "--time", str(_SECONDS), "--omit", "1", "--json", timeout=60)
    bed.hosts["peer"].services.pop("iperf3").wait()
    return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9
