"""The owner dies in the middle of an IKE exchange: the standby ends it, and the tunnel goes on.

Variants: which exchange, and which message of it is lost until the owner is dead. In each the tunnel carries a stream; it ends with
one IKE_SA, one CHILD_SA on either side and a rekey from either side. What the owner had begun is completed, not begun anew.
"""
from bed import story
from bed.drop import CREATE_CHILD_SA, INFORMATIONAL, dropping
from bed.vici import Vici, rekey as begin_rekey
from bed.wait import until
from scenarios.context_move import log_of
from scenarios.kinds import in_fragments

RESUMED, REFUSED = "going on with the rekey that another node has begun", "a rekey that another node has begun cannot be completed"
ANSWERED = "generating CREATE_CHILD_SA response"


def play(bed, event="peer_rekeys"):
    tunnel = bed.plain(esp="aes128gcm16-ecp256") if "pfs" in event else bed.plain()
    if event == "peer_rekeys_fragmented":
        bed.raze()
        tunnel = in_fragments(bed)
    if bed.tunnel != tunnel:
        bed.configure(tunnel)
    owner, standby = story.begin(bed)
    old = state(bed, "peer")
    resumed, refused = (log_of(bed.hosts[standby]).count(text) for text in (RESUMED, REFUSED))
    moment = EVENTS[event](bed, owner)
    bed.expect("owner after", bed.await_owner(standby), standby)
    bed.await_stream(moment)
    until("the same SAs on both sides", lambda: len(ike_sas(bed, "peer")) == 1 and state(bed, "peer") == state(bed, standby))
    if event.startswith(("owner_rekeys", "both_rekey")):
        bed.expect("rekeys of the old owner that the new one went on with",
                   log_of(bed.hosts[standby]).count(RESUMED) - resumed, 1)
        if event != "both_rekey_answered":  # where the nonces may be against it
            bed.expect("rekeys that it could not complete", log_of(bed.hosts[standby]).count(REFUSED) - refused, 0)
        replaced = until("what was rekeyed is gone", lambda: differing(old, state(bed, "peer")))
        bed.say(f"rekeyed: {replaced}")
    story.end(bed, standby, rekeys=None)


def state(bed, host):
    """IKE_SAs and CHILD_SAs, by their SPIs."""
    return ike_sas(bed, host), sorted(bed.spis(host))


def differing(old, new):
    """Which of the two kinds has nothing in common with what it was."""
    return [kind for kind, before, after in zip(("IKE_SA", "CHILD_SA"), old, new) if not set(before) & set(after)]


def ike_sas(bed, host):
    with Vici(bed.hosts[host]) as vici:
        return sorted(sa["initiator-spi"] for sa in vici.sas() if sa["state"] in ("ESTABLISHED", "REKEYING"))


def lose(bed, owner, exchange, response, towards_peer, begin):
    """Begins an exchange, loses one of its messages, powers the owner off, lets the message pass from then on."""
    with dropping(bed.family, "wan-peer", exchange, response, towards_peer) as messages:
        begin()
        messages.await_one()
        bed.say(f"{'a response' if response else 'a request'} {'to' if towards_peer else 'of'} the peer is lost")
        return bed.power_off(owner)


def rekey(bed, host, what):
    return lambda: begin_rekey(bed.hosts[host], **what)


CHILD, IKE = {"child": "net"}, {"ike": "tunnel"}


def peer_rekeys(bed, owner):
    """The response that the owner gave is lost: the standby has to give it again."""
    return lose(bed, owner, CREATE_CHILD_SA, True, True, rekey(bed, "peer", CHILD))


def peer_rekeys_ike(bed, owner):
    return lose(bed, owner, CREATE_CHILD_SA, True, True, rekey(bed, "peer", IKE))


def owner_rekeys(bed, owner):
    """The owner's request did not reach the peer."""
    return lose(bed, owner, CREATE_CHILD_SA, False, True, rekey(bed, owner, CHILD))


def owner_rekeys_ike(bed, owner):
    return lose(bed, owner, CREATE_CHILD_SA, False, True, rekey(bed, owner, IKE))


def owner_rekeys_answered(bed, owner):
    """The peer has done what the owner asked for; the owner never learned of it."""
    return lose(bed, owner, CREATE_CHILD_SA, True, False, rekey(bed, owner, CHILD))


def owner_rekeys_ike_answered(bed, owner):
    return lose(bed, owner, CREATE_CHILD_SA, True, False, rekey(bed, owner, IKE))


peer_rekeys_fragmented = peer_rekeys  # request and response in fragments (RFC 7383)
owner_rekeys_pfs, owner_rekeys_pfs_answered = owner_rekeys, owner_rekeys_answered  # with a key exchange of its own


def both_rekey(bed, owner):
    """Neither side's request reaches the other."""
    with dropping(bed.family, f"wan-{owner}", CREATE_CHILD_SA, False, True) as messages:
        rekey(bed, "peer", CHILD)()
        messages.await_one()
        return lose(bed, owner, CREATE_CHILD_SA, False, True, rekey(bed, owner, CHILD))


def both_rekey_answered(bed, owner):
    """The owner's request is lost, and so is its answer to the peer's, which comes once the peer has answered the repeated request:
    both sides have made a CHILD_SA for each rekey, and only the nonces say which of them stays."""
    answered = log_of(bed.hosts["peer"]).count(ANSWERED)
    with dropping(bed.family, "wan-peer", CREATE_CHILD_SA, True, True) as answers:
        with dropping(bed.family, "wan-peer", CREATE_CHILD_SA, False, True) as requests:
            rekey(bed, owner, CHILD)()
            requests.await_one()
            rekey(bed, "peer", CHILD)()
            answers.await_one()
            moment = bed.power_off(owner)
        until("the peer answers the repeated request", lambda: log_of(bed.hosts["peer"]).count(ANSWERED) > answered)
    return moment


def owner_deletes(bed, owner):
    """The new CHILD_SA is there, the request to delete the old one is lost."""
    return lose(bed, owner, INFORMATIONAL, False, True, rekey(bed, owner, CHILD))


def owner_deletes_ike(bed, owner):
    return lose(bed, owner, INFORMATIONAL, False, True, rekey(bed, owner, IKE))


def peer_deletes(bed, owner):
    return lose(bed, owner, INFORMATIONAL, True, True, rekey(bed, "peer", CHILD))


def peer_roams(bed, owner):
    """The peer's address changes; the owner's answer to its MOBIKE update is lost."""
    return lose(bed, owner, INFORMATIONAL, True, True, lambda: bed.roam())


EVENTS = {name: globals()[name] for name in (
    "peer_rekeys", "peer_rekeys_fragmented", "peer_rekeys_ike", "owner_rekeys", "owner_rekeys_answered", "owner_rekeys_pfs",
    "owner_rekeys_pfs_answered", "owner_rekeys_ike", "owner_rekeys_ike_answered", "both_rekey", "both_rekey_answered", "owner_deletes",
    "owner_deletes_ike", "peer_deletes", "peer_roams")}
