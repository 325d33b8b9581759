"""A peer, one gateway, a server behind it: the tunnel comes up and carries a stream in both directions."""


def play(bed):
    bed.start("gw1", "peer", "server")
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "peer")
    bed.capture("wan-peer")
    bed.initiate()

    bed.stream(rate=200)
    bed.pause(3)
    flow = bed.stop_stream()
    for direction, seen in flow.items():
        bed.expect(f"{direction} sent", seen["sent"], lambda count: count >= 500)
        bed.expect(f"{direction} lost", seen["lost"], 0)
        bed.expect(f"{direction} duplicates", seen["duplicates"], 0)

    bed.rekey_child("peer")
    bed.rekey_child("gw1")
    bed.expect_clean_captures(rekeys=2)
