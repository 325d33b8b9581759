"""Datagrams with numbers, from several senders to one receiver: `send ADDRESS PORT RATE` until it is killed, `receive PORT [GROUP
INTERFACE]` until SIGTERM.

The receiver then prints for each sender how many came, how many twice, and how many are missing between the first and the last.
"""
import json
import signal
import socket
import struct
import sys
import time


def send(address, port, rate):
    link, number = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM), 0
    begun = time.monotonic()
    while True:
        link.sendto(struct.pack("!Q", number), (address, port))  # short: recordings keep the start of a frame
        number += 1
        time.sleep(max(0, begun + number / rate - time.monotonic()))


def receive(port, group=None, interface=None):
    link, came = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM), {}  # of both families
    link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    link.bind(("::", port))
    if group:
        link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        struct.pack("=4s4si", socket.inet_aton(group), bytes(4), socket.if_nametoindex(interface)))

    def end(*_):
        print(json.dumps({sender: {"came": len(numbers), "twice": len(numbers) - len(set(numbers)),
                                   "missing": max(numbers) - min(numbers) + 1 - len(set(numbers))}
                          for sender, numbers in came.items()}), flush=True)
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    while True:
        data, (sender, *_) = link.recvfrom(2048)
        came.setdefault(sender.removeprefix("::ffff:"), []).append(struct.unpack_from("!Q", data)[0])


if __name__ == "__main__":
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])) if sys.argv[1] == "send" else receive(int(sys.argv[2]), *sys.argv[3:])
