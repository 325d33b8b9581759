#!/usr/bin/python3
"""Checks vectors.json from docs/vpe.md and the RFCs alone: a decoder of its own, and the AES-GCM of python3-cryptography.

Prints each vector; status 1 if one is not as it says. `--self-test` alters every byte of each packet: none may still pass.
"""
import ipaddress
import json
import os
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = struct.Struct("!IHHQ16s")


def inner_of(plain):
    """The IP packet in a payload, by its own length."""
    version = plain[0] >> 4
    if version == 4:
        header, total = (plain[0] & 15) * 4, struct.unpack("!H", plain[2:4])[0]
        ipaddress.IPv4Address(plain[12:16])
        whole = header >= 20 and header <= total <= len(plain)
    elif version == 6:
        total = 40 + struct.unpack("!H", plain[4:6])[0]
        whole = total <= len(plain)
    else:
        return None
    return plain[:total] if whole else None


def open_vpe(key, spi, sender, packet):
    """(verdict, window, number, payload, inner packet)"""
    if len(packet) < HEADER.size + 20:
        return "truncated", None, None, None, None
    got_spi, got_sender, window, number, icv = HEADER.unpack_from(packet)
    if got_spi != spi:
        return "foreign-spi", None, None, None, None
    if got_sender != sender:
        return "foreign-sender", None, None, None, None
    if number == 0:
        return "late", None, None, None, None
    try:
        plain = AESGCM(key).decrypt(packet[4:16], packet[HEADER.size:] + icv, None)
    except InvalidTag:
        return "forged", None, None, None, None
    inner = inner_of(plain)
    return ("none" if inner else "not-ip"), window, number, plain, inner


def open_esp(key, salt, number, packet):
    """RFC 4303 with RFC 4106 and a number of 64 bits; the payload, or why there is none."""
    spi, low, iv = struct.unpack_from("!I4s8s", packet)
    if number & 0xffffffff != struct.unpack("!I", low)[0]:
        return "another number"
    try:
        plain = AESGCM(key).decrypt(salt + iv, packet[16:], struct.pack("!IQ", spi, number))
    except InvalidTag:
        return "forged"
    padding, following = plain[-2], plain[-1]
    payload, pad = plain[:len(plain) - 2 - padding], plain[len(plain) - 2 - padding:-2]
    if pad != bytes(range(1, padding + 1)) or len(plain) % 4:
        return "padding is not as RFC 4303, section 2.4 has it"
    if following != {4: 4, 6: 41}[payload[0] >> 4]:
        return "next header is not what follows"
    return payload


def judge(vectors):
    """Pairs of a name and what is wrong with it, if anything."""
    take = bytes.fromhex
    for one in vectors["vpe"]:
        payload = take(one["payload"])
        wanted = ("none", one["window"], one["number"], payload, payload[:one["inner_size"]])
        yield one["name"], open_vpe(take(one["key"]), one["spi"], one["sender"], take(one["packet"])) == wanted
    for one in vectors["refused"]:
        yield one["name"], open_vpe(take(one["key"]), one["spi"], 0, take(one["packet"]))[0] == one["drop"]
    for one in vectors["esp"]:
        opened = open_esp(take(one["key"]), take(one["salt"]), one["number"], take(one["packet"]))
        yield "ESP: " + one["name"], opened == take(one["payload"])


def altered(vectors):
    """Whether any packet with one byte altered passes as the vector says: this check must be able to fail."""
    for kind in ("vpe", "esp"):
        for one in vectors[kind]:
            packet = one["packet"]
            for at in range(0, len(packet), 2):
                one["packet"] = packet[:at] + f"{int(packet[at:at + 2], 16) ^ 1:02x}" + packet[at + 2:]
                yield from judge({"vpe": [], "refused": [], "esp": [], kind: [one]})
            one["packet"] = packet


def main():
    with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "vectors.json")) as file:
        vectors = json.load(file)
    verdicts = list(judge(vectors))
    for name, right in verdicts:
        print("right" if right else "WRONG", name)
    passed = sum(1 for _, right in altered(vectors) if right) if "--self-test" in sys.argv else 0
    print(f"{len(verdicts)} vectors; {passed} altered packets pass")
    return 0 if all(right for _, right in verdicts) and not passed and verdicts else 1


if __name__ == "__main__":
    sys.exit(main())
