"""The gateway gw1 as a booted machine of its own; testbed/frozen plays it beside `frozen_machine`, which has the rest.

Variant: the directory, on the file system of both, in which they meet.
"""
import os

from bed import meeting
from bed.wait import until


def play(bed, directory):
    bed.start("gw1")
    meeting.plug_wires()
    meeting.take_keys(bed, directory)
    meeting.start_gateway(bed, "gw1")
    meeting.tell(directory, "gateway-is-up")
    until("the other machine has ended its story", lambda: os.path.exists(os.path.join(directory, "over")), every=0.5)
