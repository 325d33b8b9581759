"""Many takeovers in one bed, each by one of many faults, each judged from the peer's capture. ./dev campaign plays it.

A round: a stream in both directions; perhaps the network delays and loses packets, or the peer roams; a fault; the standby takes over;
what the peer had sent to the old owner is sent to the new one again; the fault ends; the CHILD_SA is rekeyed. From the fault until the
repeated packets are through, the peer's own ESP is dropped: its first packet would close the window to most of them. So the outage is
that of the way to the peer. Rounds in which no takeover is due stand in between: there not one packet may be lost. An SA lives from one
round into the next, so every two successive captures are judged together.

Natively (charon's ESP in user space, libipsec) only the faults are played, at rates that a booted kernel does not carry, each on a new
cluster: libipsec takes numbers with a context only, cannot change an SA's address, and loses the policy of a copy that comes in
the middle of a rekey. So nothing is rekeyed and no peer roams; nothing is sent again, since its windows are charon's own; and it
loses packets by itself when others want the processor.

A round that breaks before its fault has shown nothing: it is told, and played again with a new cluster. What each round has shown is
written down (`rounds.jsonl`) when it ends, so that it counts even if the machine does not live to the end.

Variants: how many takeovers (10), packets/s each way (500), seed of what varies (1), how many of its takeovers others have played (0).
"""
import contextlib
import itertools
import json
import os
import random
import re
import shutil
import socket
import traceback

from bed import network, pcap, story, topology
from bed.drop import dropping_esp
from bed.faults import HARMLESS, TAKEOVERS
from bed.netem import delayed

TAKEOVERS_IN_A_ROW = 3  # then a round without
NETEM_EVERY, ROAM_EVERY = 4, 5
ATTEMPTS = 2
MOST_REPLAYED = 2000    # packets sent again
SIZE = 48               # octets of a packet: frames are recorded whole
NONE_ALLOWED = ("duplicate_sequence_numbers", "duplicate_nonces", "two_owners", "reauthentications", "tunnels_lost")


def play(bed, takeovers="10", rate="500", seed="1", played="0"):
    dice, rounds = random.Random(f"{seed} {played}"), []
    for number, fault in faults(int(takeovers), int(seed), int(played)):
        for _ in range(ATTEMPTS):
            rounds.append(Round(bed, fault, int(rate), dice, number))
            rounds[-1].play(rounds[-2] if len(rounds) > 1 else None)
            keep(bed, rounds[-1].facts)
            if not rounds[-1].facts["broken"]:
                break
    bed.begin_story(bed.directory)
    total(bed, [one.facts for one in rounds])


def faults(takeovers, seed, played):
    """Number and fault of each round: all come before any comes again, from the second time on in another order."""
    dice = random.Random(seed)

    def endless(kinds):
        while True:
            yield from kinds
            kinds = dice.sample(kinds, len(kinds))
    taking, harmless = endless(TAKEOVERS), endless(HARMLESS)
    numbers, last = itertools.count(1), played + takeovers
    for takeover in range(1, last + 1):
        due = [next(taking)] + ([next(harmless)] if takeover % TAKEOVERS_IN_A_ROW == 0 else [])
        for number, fault in [(next(numbers), fault) for fault in due]:
            if takeover > played:
                yield number, fault


def keep(bed, facts):
    with open(os.path.join(bed.results, "rounds.jsonl"), "a") as file:
        file.write(json.dumps(facts) + "\n")


def total(bed, rounds):
    sums = {key: sum(facts.get(key, 0) for facts in rounds) for key in (*NONE_ALLOWED, "replays_accepted", "replay_bound")}
    bed.facts.update(sums, rounds=len(rounds), takeovers=sum(facts["takeover"] for facts in rounds))
    for key in NONE_ALLOWED:
        bed.expect(key, sums[key], 0)
    bed.failures += [f"round {facts['round']} ({facts['fault']}): {text}" for facts, after in zip(rounds, [*rounds[1:], {}])
                     if not (facts["broken"] and facts["round"] == after.get("round"))  # else it was played again
                     for text in facts["failures"]]


class Round:
    def __init__(self, bed, fault, rate, dice, number):
        self.bed, self.fault, self.rate = bed, fault, rate
        self.directory = os.path.join(bed.directory, "rounds", f"{number:04}")
        self.varied = not bed.libipsec
        self.netem = dice.choice(("wan", "ring")) if self.varied and number % NETEM_EVERY == 0 else ""
        self.roams = self.varied and number % ROAM_EVERY == 0
        self.captures = []
        self.struck = False  # the fault has begun
        self.facts = {"round": number, "fault": fault.name, "netem": self.netem, "roams": self.roams, "broken": 0, "takeover": 0}

    def play(self, before):
        """`before`: the round before this one."""
        bed = self.bed
        bed.begin_story(self.directory)
        bed.say(f"round {self.facts['round']}: {self.fault.name}" + (f", netem on {self.netem}" if self.netem else "")
                + (", the peer roams" if self.roams else ""))
        try:
            self._play()
            self.already_up, self.captures = bed.already_up, list(bed.captures)
            self._judge(before if before and before.captures else self)
        except Exception as problem:  # noqa: BLE001  the campaign goes on with a new cluster
            traceback.print_exc()
            bed.failures.append(f"{type(problem).__name__}: {problem}")
            self.facts["tunnels_lost" if self.struck else "broken"] = 1
        bed.end_story()
        self.facts["failures"] = bed.failures
        if bed.failures:
            self._keep_evidence()
            bed.raze()
            self.captures = []
        elif not self.varied:
            bed.raze()
            self._forget_captures()
        elif before:  # both halves of its SAs have been judged
            before._forget_captures()

    def _forget_captures(self):
        for path in self.captures:
            os.unlink(path)
        self.captures = []

    def _keep_evidence(self):
        """At once: what the hosts have logged up to here."""
        kept = os.path.join(self.bed.results, "failed", os.path.basename(self.directory))
        for name in self.bed.hosts:
            shutil.copytree(os.path.join(self.bed.directory, name), os.path.join(kept, name), dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.key", "ready"))

    def _play(self):
        bed = self.bed
        owner, standby = story.begin(bed, stream=False)
        bed.stream(self.rate, SIZE)
        if self.roams:
            bed.await_stream(bed.roam())
        with delayed(self.netem):
            bed.pause(1)
            (self._take_over if self.fault.takes_over else self._carry_on)(owner, standby)
        if self.varied:
            bed.rekey_child("peer")
        self.flow = bed.stop_stream()

    def _take_over(self, owner, standby):
        bed = self.bed
        with dropping_esp(bed.family, network.port("wan", "peer")) if self.varied else contextlib.nullcontext():
            known = marks(bed, standby) if self.varied else {}
            heard = pcap.esp_frames(bed.captures[0], bed.peer_address)[-MOST_REPLAYED:]
            self.struck = True
            moment = self.fault.begin(bed, owner, standby)
            if bed.expect("owner after", bed.await_owner(standby), standby):
                self.facts["takeover"] = 1
            bed.await_log(standby, "role-changed", "-> owner", since=moment)
            if self.varied:
                self.facts["replay_bound"] = stated_bound(bed, standby)
                self.facts["replays_possible"] = sum(number > known.get(spi, 0) for spi, number in map(pcap.esp_number, heard))
                replay(heard, standby)
        bed.await_stream(moment)
        self.fault.end(bed, owner, standby)
        bed.pause(1)

    def _carry_on(self, owner, standby):
        bed = self.bed
        self.struck = True
        moment = self.fault.begin(bed, owner, standby)
        bed.pause(3)
        if self.fault.costs:
            bed.await_stream(moment)
            self.facts["takeover"] = int(bed.await_cluster()[0] != owner)
        else:
            bed.expect("owner after", bed.owner(owner), owner)
        self.fault.end(bed, owner, standby)

    def _judge(self, first):
        """Judges the recordings from round `first` on: the one before, or this one where that is of another cluster."""
        bed, facts = self.bed, self.facts
        bed.already_up = first.already_up
        seen = bed.check_captures(*(first.captures if first is not self else []))
        bed.expect("violations", seen["violations"], [])
        facts.update(duplicate_sequence_numbers=seen["duplicate_esp_sequence_numbers"], duplicate_nonces=seen["duplicate_nonces"],
                     reauthentications=seen["reauthentications"], two_owners=seen["two_owner_packets"])
        if facts["takeover"]:
            bed.expect("the wire shows who took over", bed.family.wan_vip in seen["owners"], True)
        if self.fault.takes_over:
            facts["outage_ms"] = self.flow["inbound"]["longest_gap_ms"]  # as the peer sees it
            facts["replays_accepted"] = self.flow["outbound"]["duplicates"]
            bed.expect("replays accepted", facts["replays_accepted"],
                       lambda count: count <= min(facts.get("replay_bound", 0), facts.get("replays_possible", 0)))
        elif self.varied and not self.netem and not self.fault.costs:
            for direction, end in self.flow.items():
                bed.expect(f"{direction} lost", end["lost"], 0)


def stated_bound(bed, owner):
    """How many packets the new owner says that it could accept a second time."""
    bound = bed.status(owner)["replay"]["bound"]
    bed.expect("the exposure is known", bound is not None, True)
    return bound or 0


def marks(bed, standby):
    """Of the SAs by which the peer has sent of late: up to which number this kernel knows them."""
    spis = {spi for _, spi, _ in pcap.esp_numbers(bed.captures[0], bed.peer_address)[-MOST_REPLAYED:]}
    return {spi: mark(bed, standby, spi) for spi in spis}


def mark(bed, gateway, spi):
    """The highest number of this inbound SA that this kernel knows to have been received."""
    state = bed.host(gateway).run("ip", "xfrm", "state")
    found = re.search(rf"spi 0x{spi:08x} [^\n]*\n(?:\t[^\n]*\n)*?\tanti-replay context: seq 0x([0-9a-f]+)", state)
    return int(found[1], 16) if found else 0


def replay(frames, gateway):
    """Sends frames to a gateway on its own cable, where the recording of the peer's does not see them."""
    mac = bytes.fromhex(topology.HOSTS[gateway].mac("wan").replace(":", ""))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((network.port("wan", gateway), 0))
        for frame in frames:
            link.send(mac + frame[6:])
