"""A context that is behind: taken, then the gateway and its peer exchange some more, then it is put into another gateway.

That node would take the peer's requests for ones from the future, and the peer its own for repetitions. Message ID
synchronisation (RFC 6311, section 5.1) sets both right. The variant `active` leaves it out, to
see what happens. The IKE_SA uses CBC: strongSwan 5.9.8 as a peer cannot encrypt its answer with an AEAD, whose IV it takes from
the message ID, which is 0 (docs/decisions/0006-message-ids.md).
"""
from bed.wait import until
from scenarios.context_move import JUMP, Plugin, log_of, move_vip

_EXCHANGES = 6  # by DPD of either side, that the context does not know of


def play(bed, holding="synced"):
    bed.tunnel = bed.plain(ike="aes128-sha256-x25519", esp="aes128gcm16-x25519", connection=("encap = yes",), dpd=1)
    bed.start()
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    bed.initiate()
    one, two = Plugin(bed, "gw1"), Plugin(bed, "gw2")
    sa = one.only()
    one.get(sa)
    asked = "parsed INFORMATIONAL re"
    before = log_of(bed.host("gw1")).count(asked)
    until("exchanges that the context does not know of", lambda: log_of(bed.host("gw1")).count(asked) - before >= _EXCHANGES)
    one("release", sa)
    two.put_from(one, holding, str(JUMP))
    move_vip(bed, "gw1", "gw2")
    if holding == "synced":
        until("message IDs are agreed", lambda: "message IDs agreed" in log_of(bed.host("gw2")))
    bed.rekey_child("peer")
    bed.rekey_child("gw2")
    bed.expect("the IKE_SA on gw2", two.only(), sa)
