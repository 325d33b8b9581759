"""Switches network devices on and off without the 10-100 ms that starting `ip` costs: an event has one moment."""
import socket
import struct

RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR, IFF_UP = 16, 1, 4, 2, 1


def set_links(names, up):
    """Sets devices of this process' namespace up or down, in the order given."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.bind((0, 0))
        for name in names:
            body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(name), IFF_UP if up else 0, IFF_UP)
            link.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
            answer = link.recv(4096)
            _, kind, _, _, _, error = struct.unpack_from("=IHHIIi", answer)
            if kind == NLMSG_ERROR and error:
                raise OSError(-error, f"setting {name} {'up' if up else 'down'}")
