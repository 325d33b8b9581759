"""Tunnels that differ from the plain one survive their owner as well, and the standby's kernel has what makes them differ.

Variants: the functions below. The booted kernel has no XFRM interfaces, so nothing can be sent through a tunnel with an if_id there:
that story looks at contexts, kernel SAs and exchanges only.
"""
import re
from dataclasses import replace

from bed import story, topology
from bed.vici import Vici
from bed.wait import until
from scenarios.context_move import log_of

MARK = 42
FRAGMENT = 200  # octets of a datagram: a rekey does not fit


def udp_encap(bed):
    survive(bed, bed.plain(connection=("encap = yes",)), "encap type espinudp sport 4500 dport 4500")


def roams(bed):
    """The peer goes to another address and back before its gateway is lost."""
    def roam_and_lose(owner):
        for _ in range(2):
            bed.roam()
            until("the gateway has followed the peer", lambda: end_of_tunnel(bed, owner, "remote") == bed.peer_address)
            bed.await_protected()
        return bed.power_off(owner)
    survive(bed, bed.plain(), "mode tunnel", event=roam_and_lose)


def other_family_instead(bed):
    """The peer loses its addresses. It goes on by the other family (RFC 4555, section 3.5): to the shared address, since it was told of
    no other. What is inside is IPv4: where charon moves an SA from IPv6 to IPv4, it leaves the rest of the IPv6 address behind the IPv4
    one, and the kernel compares as much of it as the inner family has."""
    other = topology.OTHER[bed.family.name]

    def go_on(owner):
        moment = bed.lose_family(bed.family)
        until(f"the tunnel is on the shared {other.name} address", lambda: end_of_tunnel(bed, owner, "local") == other.wan_vip)
        bed.await_stream(moment)
        bed.await_protected()
        return bed.power_off(owner)
    survive(bed, bed.plain(inner=topology.V4), "mode tunnel", event=go_on)
    begun = log_of(bed.hosts["peer"]).rsplit("initiating IKE_SA", 1)[-1]
    told = "".join(line for line in begun.splitlines() if "[ENC] parsed" in line)
    bed.expect("families of the addresses that it was told", re.findall(r"N\(ADD_(\d)_ADDR\)", told), [other.name[-1]])


def end_of_tunnel(bed, gateway, side):
    with Vici(bed.hosts[gateway]) as vici:
        return next(sa[f"{side}-host"] for sa in vici.sas())


def other_family_outside(bed):
    survive(bed, bed.plain(outer=topology.OTHER[bed.family.name]), "mode tunnel")


def other_family_inside(bed):
    survive(bed, bed.plain(inner=topology.OTHER[bed.family.name]), "mode tunnel")


def transport(bed):
    """Between the peer and the shared address itself."""
    survive(bed, bed.plain(child=("mode = transport",), between=True), "mode transport", send=ping)


def marks(bed):
    bed.start()
    for name in topology.GATEWAYS:
        bed.hosts[name].run(bed.family.tables, "-t", "mangle", "-A", "PREROUTING", "-j", "MARK", "--set-mark", str(MARK))
    tunnel = bed.plain(gateway_child=(f"mark_in = {MARK}", f"mark_out = {MARK}", "mark_in_sa = yes"))
    survive(bed, tunnel, f"mark {MARK:#x}/0xffffffff")


def if_id(bed):
    survive(bed, bed.plain(gateway_child=(f"if_id_in = {MARK}", f"if_id_out = {MARK}")), f"if_id {MARK:#x}", send=None)


def in_fragments(bed):
    """A tunnel whose IKE messages are sent so, by charons that start from now on."""
    bed.charon_extra = dict.fromkeys((*topology.GATEWAYS, "peer"), f"  fragment_size = {FRAGMENT}\n")
    return bed.plain(connection=("fragmentation = force",))


def fragmented(bed):
    """IKE messages in fragments (RFC 7383)."""
    bed.raze()
    owner = survive(bed, in_fragments(bed), "mode tunnel")
    bed.expect("CREATE_CHILD_SA messages that the new owner had to split",
               len(re.findall(r"splitting IKE message .* into \d+ fragments", log_of(bed.hosts[owner]))), lambda count: count >= 2)


def esn(bed):
    """Numbers of 64 bits (RFC 4304)."""
    survive(bed, bed.plain(esp="aes128gcm16-esn"), "flag af-unspec esn")


def numbers_end(bed):
    """Each takeover spends a lease. Here that is 7/32 of the numbers that an SA without ESN has, so the fourth owner begins in their last
    quarter, and rekeys by itself."""
    bed.raze()
    usual, bed.pace = bed.pace, replace(bed.pace, lease=7 << 27)
    try:
        bed.configure(bed.plain())
        owner, standby = story.begin(bed)
        old = bed.spis("peer")
        for takeover in range(1, 5):
            bed.await_protected()
            bed.expect(f"SAs of the beginning, before takeover {takeover}", len(old & bed.spis("peer")), len(old))
            bed.hosts[owner].run(bed.program("haipsec/haipsec"), "failover")
            owner, standby = standby, owner
            bed.expect("owner after", bed.await_owner(owner), owner)
        until("the owner has rekeyed by itself", lambda: not old & bed.spis("peer"))
        bed.expect("hasyncd has told why", "event=numbers-ending" in bed.hosts[owner].services["hasyncd"].log_text(), True)
        story.end(bed, owner, rekeys=3)
    finally:
        bed.pace = usual
    bed.raze()


def commit_available(bed):
    """`output_commit.mode = "available"`: a context may be behind. This one is not, so message IDs go on without a word of them."""
    bed.raze()
    bed.commit_mode = "available"
    survive(bed, bed.plain(), "mode tunnel")
    bed.expect("message ID syncs that the peer was asked for", log_of(bed.hosts["peer"]).count("requested MID sync"), 0)


def stream(bed, since=None):
    bed.stream(100) if since is None else bed.await_stream(since)


def ping(bed, since=None):
    until("a ping is answered", lambda: pings(bed, 1))
    bed.expect(f"answers to 5 pings {'before' if since is None else 'after'}", pings(bed, 5), lambda n: n >= 4)


def pings(bed, count):
    """How many are answered."""
    return bed.hosts["peer"].run("ping", "-c", str(count), "-i", "0.2", "-W", "1", bed.family.wan_vip, check=False).count("bytes from")


def survive(bed, tunnel, sign, send=stream, event=None):
    """`sign`: what all SAs of such a tunnel show in the kernel. `event`: what ends the owner, if it is no loss of power. Returns
    the name of the new owner."""
    bed.configure(tunnel)
    bed.regain_families()
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


KINDS = {kind.__name__: kind for kind in (udp_encap, roams, other_family_instead, other_family_outside, other_family_inside,
                                           transport, marks, if_id, fragmented, esn, numbers_end, commit_available)}


def play(bed, kind="udp_encap"):
    KINDS[kind](bed)
