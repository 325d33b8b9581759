"""A context is taken from one gateway and put into another as one that may be behind (`output_commit.mode = "available"`).

`exact`: it is not. What the peer has asked meanwhile is answered, and nobody speaks of message IDs, though a stranger sends an
IKE_SA_INIT, which is not encrypted, with the IKE_SA's SPIs and an ID far ahead. `behind`: both sides exchanged some more, so that node
would take the peer's requests for ones from the future, and the peer its own for repetitions. Message ID synchronisation (RFC 6311,
section 5.1) sets both right, once the peer's next request shows it. `ours_behind`: only the gateway had asked, so it is shown by the
peer's silence. `unsynced`: behind, and left so, to see what happens.

An IKE_SA that is behind uses CBC here: strongSwan 5.9.8 as a peer cannot encrypt its answer with an AEAD, whose IV it takes from the
message ID, which is 0 (docs/decisions/0006-message-ids.md).
"""
import itertools
import socket
import struct

from bed.vici import rekey
from bed.wait import until
from scenarios.context_move import JUMP, Plugin, log_of, move_vip

_EXCHANGES = 6  # by DPD, that the context does not know of
_AHEAD = 0x7fffffff
_X25519 = 31
_TRANSFORMS = ((3, 1, 12, b"\x80\x0e\0\x80"), (3, 2, 5), (3, 3, 12), (0, 4, _X25519))  # AES-CBC 128, HMAC-SHA-256
_CBC = {"ike": "aes128-sha256-x25519"}
_VARIANTS = {
    "exact": {"dpd": 0},
    "behind": {"dpd": 1} | _CBC,
    "ours_behind": {"dpd": 0, "gateway_connection": ("dpd_delay = 1s",)} | _CBC,
    "unsynced": {"dpd": 1} | _CBC,
}


def play(bed, variant="behind"):
    bed.tunnel = bed.plain(esp="aes128gcm16-x25519", connection=("encap = yes",), **_VARIANTS[variant])
    bed.start()
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "gw2", "peer")
    bed.initiate()
    one, two = Plugin(bed, "gw1"), Plugin(bed, "gw2")
    sa = one.only()
    if variant == "exact":
        bed.rekey_child("peer")
        bed.rekey_child("gw1")
    one.get(sa)
    if variant != "exact":
        exchange(bed.host("gw1"))
    one("release", sa)
    before = bed.spis("peer")
    if variant != "ours_behind":
        rekey(bed.hosts["peer"], child="net")
    two.put_from(one, "active" if variant == "unsynced" else "behind", str(JUMP))
    move_vip(bed, "gw1", "gw2")
    if variant == "exact":
        forge(bed, sa)
        until("the stranger's message is read", lambda: f"received message ID {_AHEAD}," in log_of(bed.host("gw2")))
    if variant != "ours_behind":
        until("the peer's rekey, begun when it had no gateway", lambda: one_other_child(bed, before))
    bed.rekey_child("gw2")
    bed.rekey_child("peer")
    bed.expect("the IKE_SA on gw2", two.only(), sa)
    bed.expect("message ID syncs that the peer was asked for", log_of(bed.host("peer")).count("requested MID sync"),
               lambda times: (times == 0) == (variant == "exact"))


def forge(bed, sa):
    """An IKE_SA_INIT request with the SPIs of this IKE_SA and an ID far ahead, to the gateway."""
    family = socket.AF_INET6 if ":" in bed.family.wan_vip else socket.AF_INET
    body = b"".join(_payload(following, content) for following, content in (
        (34, _payload(0, bytes((1, 1, 0, 4)) + b"".join(itertools.starmap(_transform, _TRANSFORMS)))),
        (40, struct.pack("!HH", _X25519, 0) + bytes(32)),
        (0, bytes(32))))
    head = bytes.fromhex(sa.replace(":", "")) + bytes((33, 0x20, 34, 0x08)) + struct.pack("!II", _AHEAD, 28 + len(body))
    send = ("import socket, sys; family, to, octets = sys.argv[1:]; "
            "socket.socket(int(family), socket.SOCK_DGRAM).sendto(bytes.fromhex(octets), (to, 500))")
    bed.hosts["peer"].run("python3", "-c", send, str(int(family)), bed.family.wan_vip, (head + body).hex())


def _payload(following, content):
    """RFC 7296, section 3.2; a proposal (section 3.3.1) begins like one."""
    return struct.pack("!BBH", following, 0, 4 + len(content)) + content


def _transform(following, kind, number, attribute=b""):
    return _payload(following, struct.pack("!BBH", kind, 0, number) + attribute)


def exchange(gateway):
    asked = "parsed INFORMATIONAL re"
    before = log_of(gateway).count(asked)
    until("exchanges that the context does not know of", lambda: log_of(gateway).count(asked) - before >= _EXCHANGES)


def one_other_child(bed, before):
    spis = bed.spis("peer")
    return len(spis) == 2 and not spis & before
