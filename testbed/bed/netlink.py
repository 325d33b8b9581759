"""Network devices and neighbours without the 10-100 ms that starting `ip` costs: an event has one moment."""
import socket
import struct

RTM_NEWLINK, RTM_NEWNEIGH, NLMSG_ERROR, IFF_UP = 16, 28, 2, 1
NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, NLM_F_CREATE = 1, 4, 0x100, 0x400
NUD_PERMANENT, NDA_DST, NDA_LLADDR = 0x80, 1, 2


def _ask(link, kind, flags, body, what):
    link.send(struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0) + body)
    _, answer, _, _, _, error = struct.unpack_from("=IHHIIi", link.recv(4096))
    if answer == NLMSG_ERROR and error:
        raise OSError(-error, what)


def _route_socket():
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    link.bind((0, 0))
    return link


def set_links(names, up):
    """Sets devices of this process' namespace up or down, in the order given."""
    with _route_socket() as link:
        for name in names:
            body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(name), IFF_UP if up else 0, IFF_UP)
            _ask(link, RTM_NEWLINK, 0, body, f"setting {name} {'up' if up else 'down'}")


def set_neighbour(device, address, mac):
    """Says, in this process' namespace, which MAC address an IPv4 address has from now on."""
    body = struct.pack("=BxxxiHBB", socket.AF_INET, socket.if_nametoindex(device), NUD_PERMANENT, 0, 0)
    body += struct.pack("=HH4s", 8, NDA_DST, socket.inet_aton(address))
    body += struct.pack("=HH6sxx", 10, NDA_LLADDR, bytes.fromhex(mac.replace(":", "")))
    with _route_socket() as link:
        _ask(link, RTM_NEWNEIGH, NLM_F_REPLACE | NLM_F_CREATE, body, f"setting the MAC address of {address}")
