"""Tunnels that differ from the plain one survive their owner as well, and the standby's kernel has what makes them differ.

Variants: the functions below. The booted kernel has no XFRM interfaces, so nothing can be sent through a tunnel with an if_id there:
that story looks at contexts, kernel SAs and exchanges only.
"""
import re

from bed import story, topology
from bed.swanctl import Tunnel
from bed.vici import Vici
from bed.wait import until

MARK = 42
FRAGMENT = 200  # octets of a datagram: a rekey does not fit


def udp_encap(bed):
    survive(bed, Tunnel(connection=("encap = yes",)), "encap type espinudp sport 4500 dport 4500")


IPV6 = Tunnel(outer6=True, local_ts=topology.LOCAL_TS6, remote_ts=topology.REMOTE_TS6)  # both inside and outside


def ipv6(bed):
    survive(bed, IPV6, "mode tunnel")


def ipv6_moved(bed):
    """The owner is not lost, but hands over."""
    survive(bed, IPV6, "mode tunnel", event=lambda owner: bed.stop(owner, "hasyncd"))
    bed.make_whole()  # until then its charon has a copy that nobody ends with the tunnel


def ipv6_roams(bed):
    """The peer goes to another address and back before its gateway is lost."""
    def roam_and_lose(owner):
        for _ in range(2):
            bed.roam()
            until("the gateway has followed the peer", lambda: end_of_tunnel(bed, owner, "remote") == bed.peer_address)
            bed.await_protected()
        return bed.power_off(owner)
    survive(bed, IPV6, "mode tunnel", event=roam_and_lose)


def ipv6_instead(bed):
    """The peer loses its IPv4. It goes on by IPv6 (RFC 4555, section 3.5): to the shared address, since it was told of no other."""
    def go_on(owner):
        moment = bed.lose_ipv4()
        until("the tunnel is on the shared IPv6 address", lambda: end_of_tunnel(bed, owner, "local") == topology.WAN_VIP6)
        bed.await_stream(moment)
        bed.await_protected()
        return bed.power_off(owner)
    survive(bed, Tunnel(), "mode tunnel", event=go_on)
    bed.regain_ipv4()
    with open(f"{bed.hosts['peer'].directory}/charon.log") as log:
        told = "".join(line for line in log if "[ENC] parsed" in line)
    bed.expect("families of the addresses that it was told", re.findall(r"N\(ADD_(\d)_ADDR\)", told), ["6"])


def end_of_tunnel(bed, gateway, side):
    with Vici(bed.hosts[gateway]) as vici:
        return next(sa[f"{side}-host"] for sa in vici.sas())


def ipv6_outer(bed):
    survive(bed, Tunnel(outer6=True), "mode tunnel")


def ipv6_inner(bed):
    survive(bed, Tunnel(local_ts=topology.LOCAL_TS6, remote_ts=topology.REMOTE_TS6), "mode tunnel")


def transport(bed):
    """Between the peer and the shared address itself."""
    survive(bed, Tunnel(child=("mode = transport",), local_ts="", remote_ts=""), "mode transport", send=ping)


def marks(bed):
    bed.start()
    for name in topology.GATEWAYS:
        bed.hosts[name].run("iptables-legacy", "-t", "mangle", "-A", "PREROUTING", "-j", "MARK", "--set-mark", str(MARK))
    tunnel = Tunnel(gateway_child=(f"mark_in = {MARK}", f"mark_out = {MARK}", "mark_in_sa = yes"))
    survive(bed, tunnel, f"mark {MARK:#x}/0xffffffff")


def if_id(bed):
    survive(bed, Tunnel(gateway_child=(f"if_id_in = {MARK}", f"if_id_out = {MARK}")), f"if_id {MARK:#x}", send=None)


def fragmented(bed):
    """IKE messages in fragments (RFC 7383)."""
    bed.raze()
    bed.charon_extra = dict.fromkeys((*topology.GATEWAYS, "peer"), f"  fragment_size = {FRAGMENT}\n")
    owner = survive(bed, Tunnel(connection=("fragmentation = force",)), "mode tunnel")
    with open(f"{bed.hosts[owner].directory}/charon.log") as log:
        bed.expect("CREATE_CHILD_SA messages that the new owner had to split",
                   len(re.findall(r"splitting IKE message .* into \d+ fragments", log.read())), lambda count: count >= 2)


def stream(bed, since=None):
    bed.stream(100) if since is None else bed.await_stream(since)


def ping(bed, since=None):
    told = bed.hosts["peer"].run("ping", "-c", "5", "-i", "0.2", topology.WAN_VIP, check=False)
    bed.expect(f"answers to 5 pings {'before' if since is None else 'after'}", told.count("bytes from"), lambda n: n >= 4)


def survive(bed, tunnel, sign, send=stream, event=None):
    """`sign`: what all SAs of such a tunnel show in the kernel. `event`: what ends the owner, if it is no loss of power. Returns
    the name of the new owner."""
    bed.configure(tunnel)
    owner, standby = story.begin(bed, stream=False)
    expect_sign(bed, standby, sign)
    if send:
        send(bed)
    bed.pause(1)
    moment = (event or bed.power_off)(owner)
    bed.expect("owner after", bed.await_owner(standby), standby)
    if send:
        send(bed, moment)
    bed.rekey_child("peer")
    bed.rekey_child(standby)
    expect_sign(bed, standby, sign)
    if send:
        story.judge(bed, rekeys=2)
    else:
        bed.expect("re-authentications", bed.check_captures()["reauthentications"], 0)
    return standby


def expect_sign(bed, host, sign):
    """In both directions; the copy of a context has it as well."""
    states = bed.hosts[host].run("ip", "xfrm", "state").split("\nsrc ")
    bed.expect(f"SAs on {host} with {sign}", sum(sign in state for state in states), len(bed.spis(host)))


KINDS = {kind.__name__: kind for kind in (udp_encap, ipv6, ipv6_moved, ipv6_roams, ipv6_instead, ipv6_outer, ipv6_inner, transport,
                                           marks, if_id, fragmented)}


def play(bed, kind="udp_encap"):
    KINDS[kind](bed)
