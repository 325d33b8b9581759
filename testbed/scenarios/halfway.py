"""The owner dies in the middle of an IKE exchange: the standby ends it, and the tunnel goes on.

Variants: which exchange, and which message of it is lost until the owner is dead. In each the tunnel carries a stream; it ends with
one IKE_SA, one CHILD_SA on either side and a rekey from either side. The owner_rekeys stories do not hold yet: the new owner repeats
the request, but what was to become of its answer died with the old one. The peer is left with a CHILD_SA that nobody else knows, or
with an IKE_SA that nobody else knows, which ends in a new authentication.
"""
from bed import story, topology
from bed.drop import CREATE_CHILD_SA, INFORMATIONAL, dropping
from bed.vici import Vici
from bed.wait import until


def play(bed, event="peer_rekeys"):
    owner, standby = story.begin(bed)
    moment = EVENTS[event](bed, owner)
    bed.expect("owner after", bed.await_owner(standby), standby)
    bed.await_stream(moment)
    until("the same IKE_SA on both sides", lambda: len(ike_sas(bed, "peer")) == 1 and ike_sas(bed, "peer") == ike_sas(bed, standby),
          timeout=60)
    story.end(bed, standby, rekeys=None)


def ike_sas(bed, host):
    with Vici(bed.hosts[host]) as vici:
        return sorted(sa["initiator-spi"] for sa in vici.sas() if sa["state"] in ("ESTABLISHED", "REKEYING"))


def lose(bed, owner, exchange, response, towards_peer, begin):
    """Begins an exchange, loses one of its messages, powers the owner off, lets the message pass from then on."""
    with dropping("wan-peer", exchange, response, towards_peer) as messages:
        begin()
        messages.await_one()
        bed.say(f"{'a response' if response else 'a request'} {'to' if towards_peer else 'of'} the peer is lost")
        return bed.power_off(owner)


def rekey(bed, host, what):
    def begin():
        with Vici(bed.hosts[host]) as vici:
            vici.command("rekey", **what)
    return begin


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


def owner_deletes(bed, owner):
    """The new CHILD_SA is there, the request to delete the old one is lost."""
    return lose(bed, owner, INFORMATIONAL, False, True, rekey(bed, owner, CHILD))


def peer_deletes(bed, owner):
    return lose(bed, owner, INFORMATIONAL, True, True, rekey(bed, "peer", CHILD))


def peer_roams(bed, owner):
    """The peer's address changes; the owner's answer to its MOBIKE update is lost."""
    return lose(bed, owner, INFORMATIONAL, True, True, lambda: bed.roam())


EVENTS = {event.__name__: event for event in (
    peer_rekeys, peer_rekeys_ike, owner_rekeys, owner_rekeys_ike, owner_rekeys_answered, owner_rekeys_ike_answered,
    owner_deletes, peer_deletes, peer_roams)}
