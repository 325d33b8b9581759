"""Output commit by hand: no hasyncd, but a client of the plugin that says what of charon's reports is stable, and when.

What charon says of a change leaves neither before that nor without it: the answer to IKE_AUTH, to a CHILD_SA's rekey, to a
deletion; over a client that goes and comes back; and not at all when charon ends. `available` lets it go when the wait is over.
"""
import os
import tempfile
import threading

from bed.wait import until
from scenarios.context_move import Plugin, log_of

_WAIT_MS = 4000


class Committer(Plugin):
    """The client that charon waits for."""

    def __init__(self, bed, name):
        super().__init__(bed, name)
        self.fifo = os.path.join(tempfile.mkdtemp(), "commits")
        os.mkfifo(self.fifo)
        self.before, self.begun = 0, False

    def begin(self, mode, wait_ms=_WAIT_MS):
        self.before = len(super().events()) if self.begun else 0
        self.begun = True
        self.host.start("watch", self.probe, "/run/charon.hasync", "watch", mode, str(wait_ms), self.fifo)
        until(f"{self.host.name} has told what exists", lambda: self.events("synced"))

    def end(self):
        self.host.stop("watch")

    def events(self, kind=None):
        """Those of this connection: their numbers begin anew."""
        return [event for event in super().events()[self.before:] if kind in (None, event["event"])]

    def newest(self):
        numbers = [event["number"] for event in self.events() if "number" in event]
        return numbers[-1] if numbers else 0

    def say(self, word, number):
        """Returns the counters after it."""
        before = len(self.events("counters"))
        with open(self.fifo, "w") as fifo:
            fifo.write(f"{word} {number}\n")
        until(f"the plugin has heard {word} {number}", lambda: len(self.events("counters")) > before)
        return self.events("counters")[-1]


def received(bed, text):
    return sum(text in line for line in log_of(bed.host("peer")).splitlines() if "parsed" in line)


def awaited(bed, committer, what, begin, answer):
    """`begin` makes the peer ask; charon reports the change, and the answer does not come before it is committed."""
    seen, reported = received(bed, answer), committer.newest()
    asking = threading.Thread(target=begin)
    asking.start()
    until(f"{what} is reported", lambda: committer.newest() > reported)
    bed.pause(0.5)
    bed.expect(f"answers of {what} before it is stable", received(bed, answer) - seen, 0)
    return asking, lambda: received(bed, answer) > seen


def expect_committed(bed, committer, what, begin, answer, last=None):
    """`last`: what the peer receives at the end; a rekey ends with a deletion."""
    seen = received(bed, last or answer)
    asking, answered = awaited(bed, committer, what, begin, answer)
    counters = committer.say("commit", committer.newest())
    until(f"the answer of {what}", answered)
    commit_until(committer, f"the end of {what}", lambda: received(bed, last or answer) > seen)
    asking.join()
    bed.say(f"{what}: answered when it was stable")
    return counters


def commit_until(committer, what, done):
    def committed():
        committer.say("commit", committer.newest())
        return done()
    until(what, committed)


def take_back(committer, sa):
    """What hasyncd does when it loses the ownership: the context that was stable takes the place of what charon has. Then it owns again."""
    counters = committer.say("discard", committer.newest())
    committer("state", "passive", sa)
    committer("put", committer.context, "active")
    return counters


def inbound(committer, sa):
    (child,) = committer.get(sa)["context"]["children"]
    return child["inbound_spi"]


def swanctl(bed, *words):
    bed.host("peer").run("swanctl", *words, env=bed.host("peer").vici_env, check=False)


def play(bed, variant="strict"):
    bed.start()
    bed.hold_vip("gw1")
    bed.start_charon("gw1", "peer")
    committer = Committer(bed, "gw1")
    committer.begin(variant, _WAIT_MS if variant == "strict" else 1500)
    {"strict": strict, "available": available}[variant](bed, committer)


def strict(bed, committer):
    counters = expect_committed(bed, committer, "IKE_AUTH", lambda: swanctl(bed, "--initiate", "--child", "net"), "IKE_AUTH response")
    bed.expect("packets that waited", counters["held"], lambda count: count >= 1)
    bed.expect("packets dropped", counters["dropped"], 0)
    expect_committed(bed, committer, "a rekey of the CHILD_SA", lambda: swanctl(bed, "--rekey", "--child", "net"),
                     "CREATE_CHILD_SA response", "INFORMATIONAL response")

    # What was never stable is never told, and told to the next client it is.
    asking, answered = awaited(bed, committer, "a rekey of the IKE_SA", lambda: swanctl(bed, "--rekey", "--ike", "tunnel"),
                               "CREATE_CHILD_SA response")
    committer.end()
    bed.pause(0.5)
    bed.expect("answered while nobody can say that it is stable", answered(), False)
    deleted = received(bed, "INFORMATIONAL response")
    committer.begin("strict")
    commit_until(committer, "the answer after the client has come back", answered)
    commit_until(committer, "the end of the rekey", lambda: received(bed, "INFORMATIONAL response") > deleted)
    asking.join()

    # What was never stable is taken back, and asked or answered anew, with the message IDs that it had (RFC 7296, section 2.2).
    sa = committer.only()
    committer.get(sa)
    asking, answered = awaited(bed, committer, "another rekey of the CHILD_SA", lambda: swanctl(bed, "--rekey", "--child", "net"),
                               "CREATE_CHILD_SA response")
    counters = take_back(committer, sa)
    bed.expect("packets dropped at a discard", counters["dropped"], lambda count: count >= 1)
    bed.expect("answered after a discard", answered(), False)
    commit_until(committer, "the answer to the peer's repeated request", answered)
    asking.join()
    for what in ("a rekey that was taken back", "a rekey that took its place"):
        commit_until(committer, f"one CHILD_SA before {what}", lambda: len(bed.spis("gw1")) == 2)
        committer.get(sa)
        reported, before = committer.newest(), bed.spis("gw1")
        committer("rekey", sa, str(inbound(committer, sa)))
        until(f"{what} is reported", lambda number=reported: committer.newest() > number)
        if what == "a rekey that was taken back":
            take_back(committer, sa)
            bed.expect("CHILD_SAs after it was taken back", sorted(bed.spis("gw1")), sorted(before))
    commit_until(committer, "its end", lambda: len(bed.spis("gw1")) == 2 and not bed.spis("gw1") & before)

    # charon ends: its peers are told nothing, since nothing of it can become stable any more.
    deleted = received(bed, "INFORMATIONAL request")
    bed.stop("gw1", "charon")
    bed.expect("deletions that the peer saw at charon's end", received(bed, "INFORMATIONAL request") - deleted, 0)
    asking.join()


def available(bed, committer):
    """Nothing is ever committed: it takes the whole wait, but goes on."""
    asking, answered = awaited(bed, committer, "IKE_AUTH", lambda: swanctl(bed, "--initiate", "--child", "net"), "IKE_AUTH response")
    until("the answer when the wait is over", answered)
    asking.join()
    bed.expect("packets that were early", committer.say("discard", 0)["early"], lambda count: count >= 1)
