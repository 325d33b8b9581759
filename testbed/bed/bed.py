"""What a scenario holds in its hands: the hosts, the daemons on them, the events, the evidence."""
import datetime
import functools
import glob
import json
import os
import signal
import subprocess
import time

from . import control, network, services, topology
from .container import Container
from .host import Host, monotonic_ns
from .swanctl import Tunnel
from .vici import Vici, rekey
from .wait import PATIENCE, TimedOut, until

_VIPS = tuple(f"{vip}/{family.host_bits} dev {device}{family.now}" for family in topology.FAMILIES
              for vip, device in ((family.wan_vip, "wan0"), (family.lan_vip, "lan0")))


class Bed:
    def __init__(self, directory, build, booted, libipsec=False, shared=False, lab=False, family=topology.V4):
        self.directory, self.build, self.booted, self.libipsec = directory, build, booted, libipsec
        self.pace = (topology.SHARED if shared else topology.BOOTED) if booted else topology.NATIVE
        self.family = family
        self.tunnel = self.plain(connection=("encap = yes",)) if libipsec else self.plain()
        self.cluster = topology.CLUSTER         # who is a member
        self.event_gap = 100 if booted else 30  # ms of silence that a stream tells about
        self.charon_load = {}                   # host -> plugins to load instead of ours
        self.charon_extra = {}                  # host -> further lines of strongswan.conf's charon section
        self.charon_env = {}                    # host -> further environment of charon, as a library in front of libc
        self.two_node = "safe"                  # what two gateways without a witness do
        self.commit_mode = "strict"             # what becomes of an IKE message that has waited too long
        self.quorum_device = ""                 # a section of every corosync.conf (qnetd.py)
        self.hasyncd_extra = ""                 # further text of every hasyncd.toml
        self.lost = 0                           # of a hundred datagrams on their way to a node of the cluster
        self.ring_key = os.urandom(256).hex()   # shared by the cluster's corosync processes
        self._keys, self._laid, self._unplugged = None, False, set()
        self._away, self._lacking = set(), set()  # families of which the peer has its other address, or none
        self.begin_story(directory)
        plugins = glob.glob(os.path.join(build, "*/*/libstrongswan-*.so"))
        os.makedirs(directory, exist_ok=True)
        make = functools.partial(Container, shared=(build,)) if lab else Host  # `lab`: containerlab made the hosts
        self.hosts = {
            name: make(plan, os.path.join(directory, name), plugins if plan.gateway else [])
            for name, plan in topology.HOSTS.items()}

    def begin_story(self, directory):
        """New books, kept in this directory. The hosts and all that runs on them stay as they are."""
        os.makedirs(directory, exist_ok=True)
        self.evidence = directory
        self.events, self.failures, self.facts = [], [], {}
        self.captures, self._recorders, self._streams = [], [], {}
        self.zero = monotonic_ns()
        self.already_up = False                 # the tunnel was there before the recording

    def end_story(self):
        """What a story may have left behind when it broke."""
        self.stop_captures()
        for host in self._streams:
            if self.runs(host, "stream"):
                self.hosts[host].stop("stream")

    def last_words(self, lines=20):
        """What hasyncd of each node logged last: where only this output is kept, it is all there is to go by."""
        for name in topology.HOSTS:
            path = os.path.join(self.directory, name, "hasyncd.log")
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    print(f"{name}:", *file.read().splitlines()[-lines:], sep="\n  ", flush=True)

    # Building it up

    def start(self, *names):
        """Bridges, and the named hosts (default: all), plugged in."""
        if not self._laid:
            network.lay_bridges()
            self._laid = True
        missing = [name for name in names or self.hosts if not self.hosts[name].up]
        for name in missing:
            self.hosts[name].power_on()
            network.connect(self.hosts[name])
        if missing:
            self.say(f"hosts are up: {', '.join(missing)}")

    def make_whole(self):
        """Starts what is not running, plugs in what is unplugged; returns the names of the owner and of a ready standby."""
        self.start()
        for name, net in sorted(self._unplugged):
            self.link_up(name, net)
        for name in self.cluster:  # all at once: they wait for each other
            if not self.runs(name, "corosync"):
                services.corosync(self, self.hosts[name])
        self.start_charon(*(name for name in (*topology.GATEWAYS, "peer") if not self.runs(name, "charon")))
        self.start_hasyncd(*(name for name in self.cluster if not self.runs(name, "hasyncd")))
        return self.await_cluster()

    def raze(self):
        """Everything off: after a story that broke, the next one begins with nothing."""
        self._unplugged, self._away, self._lacking = set(), set(), set()
        for name, host in self.hosts.items():
            if host.up:
                self.power_off(name)

    def host(self, name):
        return self.hosts[name]

    def address(self, name, network):
        """Of a host, of the story's family."""
        return topology.HOSTS[name].address(network, self.family)

    @property
    def peer_address(self):
        """Where the tunnel's other end is now."""
        return self._of_peer(self.tunnel.outer)

    def _of_peer(self, family):
        return family.peer_roamed if family.name in self._away else topology.HOSTS["peer"].address("wan", family)

    def plain(self, **differences):
        """A tunnel of the story's family, outside and inside."""
        return Tunnel(**{"outer": self.family, "inner": self.family} | differences)

    def program(self, path):
        program = os.path.join(self.build, path)
        if not os.path.exists(program):
            raise RuntimeError(f"{program} is not built")
        return program

    def hold_vip(self, name):
        """The addresses that peers and servers speak to; hasyncd does this in a cluster."""
        self.hosts[name].ip(*(f"addr add {address}" for address in _VIPS))

    def drop_vip(self, name):
        self.hosts[name].ip(*(f"addr del {address.removesuffix(' nodad')}" for address in _VIPS))

    def start_charon(self, *names):
        for name in names:
            services.charon(self, self.hosts[name])

    def start_corosync(self, *names):
        names = names or self.cluster
        for name in names:
            services.corosync(self, self.hosts[name])
        wanted = sorted(topology.HOSTS[name].node for name in self.cluster if "corosync" in self.hosts[name].services)
        for name in names:
            until(f"{name} sees the members {wanted}", lambda n=name: services.members(self.hosts[n]) == wanted)
        self.say(f"corosync is quorate: members {wanted}")

    def start_hasyncd(self, *names):
        """hasyncd on the named hosts; it answers, though it may not be in step yet."""
        for name in names:
            services.hasyncd(self, self.hosts[name])

    def cluster_keys(self):
        """What `haipsec keygen` makes, once: the texts of the gateways' key file and of the witness's."""
        if not self._keys:
            files = [os.path.join(self.directory, name) for name in ("gateway.key", "witness.key")]
            subprocess.run([self.program("haipsec/haipsec"), "keygen", "--out", files[0], "--witness", files[1]], check=True,
                           stdout=subprocess.DEVNULL)
            self._keys = [open(name).read() for name in files]
        return self._keys

    def use_keys(self, keys):
        """Those of a cluster whose other half is in another machine."""
        self._keys = keys

    def status(self, name):
        """What hasyncd of a host says of itself; None while it does not answer."""
        return (control.ask(self.hosts[name], "status") or {}).get("status")

    def tunnels(self, name):
        """The tunnels that hasyncd of a host knows of, as `haipsec tunnels` lists them."""
        out, after = [], {}
        while True:
            page = control.ask(self.hosts[name], "tunnels", **after) or {}
            out += page.get("tunnels", [])
            if not page.get("next"):
                return out
            after = {"after": page["next"]}

    def owner(self, *asked):
        """The name of the one owner that all asked nodes (default: all with a living hasyncd) agree upon, or None."""
        asked = asked or [name for name in self.cluster if self.runs(name, "hasyncd")]
        told = {(status or {}).get("owner") for status in map(self.status, asked)}
        names = {plan.node: plan.name for plan in topology.HOSTS.values() if plan.node}
        return names.get(told.pop()) if len(told) == 1 else None

    def await_owner(self, wanted, timeout=PATIENCE):
        """The owner, once `wanted` says that it is; or whoever is it when time is up."""
        try:
            until(f"{wanted} is the owner", lambda: self.owner(wanted) == wanted, timeout, every=0.2)
            self.say(f"{wanted} is the owner")
        except TimedOut:
            pass
        return self.owner(wanted)

    def await_protected(self):
        """Every tunnel of the owner would survive it."""
        def safe():
            owner, _ = self._in_step() or (None, None)
            status = owner and self.status(owner)
            return status and status["tunnels"] > 0 and status["unprotected"] == 0
        until("the tunnel is protected", safe, every=0.1)
        self.say("the tunnel is protected: the standby has its context")

    def await_tunnels(self, name, count):
        """How many tunnels the cluster's log holds, as this node sees it: `count`, or what it is when time is up."""
        try:
            until(f"{count} tunnels", lambda: (self.status(name) or {}).get("tunnels") == count, every=0.1)
        except TimedOut:
            pass
        return (self.status(name) or {}).get("tunnels")

    def runs(self, name, service):
        services_of = self.hosts[name].services
        return service in services_of and services_of[service].alive()

    def await_cluster(self):
        """One owner, known to all, the other gateway ready to take over. Returns their names."""
        owner, standby = until("an owner and a standby that is ready", self._in_step, every=0.1)
        self.say(f"{owner} owns, {standby} stands by")
        return owner, standby

    def _in_step(self):
        """Owner and standby, when every living hasyncd is a member of the owner's epoch and the standby is ready."""
        owner = self.owner()
        members = {member["name"]: member for member in ((owner and self.status(owner)) or {}).get("members", [])}
        if not all(members.get(name, {}).get("in_epoch") for name in self.cluster if self.runs(name, "hasyncd")):
            return None
        ready = [name for name in topology.GATEWAYS if name != owner and members.get(name, {}).get("ready")]
        return ready and (owner, ready[0])

    def configure(self, tunnel):
        """Another tunnel from now on; one that is up is ended."""
        self.tunnel = tunnel
        running = [name for name in (*topology.GATEWAYS, "peer") if self.runs(name, "charon")]
        if "peer" in running and self.spis("peer"):
            with Vici(self.hosts["peer"]) as vici:
                vici.command("terminate", ike="tunnel", timeout=PATIENCE * 1000)
            until("no gateway has the old tunnel", lambda: not any(self.spis(name) for name in running))
        for name in running:
            services.load_connections(self, self.hosts[name])

    def initiate(self, host="peer", child="net"):
        started = monotonic_ns()
        with Vici(self.hosts[host]) as vici:
            vici.command("initiate", child=child, timeout=PATIENCE * 1000)
        self.say(f"tunnel is up ({(monotonic_ns() - started) / 1e6:.0f} ms)")

    def rekey_child(self, host):
        """A CREATE_CHILD_SA begun by `host`; returns when the new SA alone is left."""
        before = until(f"one CHILD_SA on {host}", lambda: self._one_child(host))
        rekey(self.hosts[host], child="net")
        until(f"a new CHILD_SA after a rekey by {host}", lambda: self._one_child(host) - before)
        self.say(f"{host} rekeyed the CHILD_SA")

    def _one_child(self, host):
        """The two SPIs of the only CHILD_SA; nothing while there are more, or none."""
        spis = self.spis(host)
        return spis if len(spis) == 2 else set()

    def spis(self, host):
        """SPIs of the installed CHILD_SAs, as charon of that host lists them."""
        with Vici(self.hosts[host]) as vici:
            return {child[key] for sa in vici.sas() for child in sa["child-sas"].values() for key in ("spi-in", "spi-out")
                    if key in child}

    # Evidence

    def capture(self, at="wan-peer"):
        """Records a cable from the switch's side (NETWORK-HOST)."""
        path = os.path.join(self.evidence, at + ".pcap")
        process = subprocess.Popen([self.program("testbed/capture/hasync-capture"), "record", at, path],
                                   stderr=open(path + ".log", "w"))
        until(f"recording of {at}", lambda: os.path.exists(path) and os.path.getsize(path) or process.poll() is not None)
        self._recorders.append(process)
        self.captures.append(path)
        return path

    def stop_captures(self):
        for process in self._recorders:
            process.send_signal(signal.SIGTERM)
        for process in self._recorders:
            process.wait(PATIENCE)
        self._recorders = []

    def stream(self, rate, size=200):
        """A stream through the tunnel in both directions."""
        family = self.tunnel.inner
        inner, server = (family.port(address, 7000) for address in
                         (family.peer_inner, topology.HOSTS["server"].address("lan", family)))
        for host, local, remote in (("server", server, inner), ("peer", inner, server)):
            self._streams[host] = self._stream_end(host, local, remote, rate, size)
        for host in self._streams:
            until(f"the stream's end on {host} listens", lambda h=host: self.stream_events(h))
        for host in self._streams:
            self.hosts[host].services["stream"].signal(signal.SIGUSR1)
        for host in self._streams:
            until(f"the stream reaches {host}", lambda h=host: len(self.stream_events(h)) > 1)
        self.say(f"streaming {rate} packets/s in both directions")

    def _stream_end(self, host, local, remote, rate, size):
        report = os.path.join(self.directory, host, "stream.json")
        events = open(os.path.join(self.directory, host, "stream.events"), "w")
        self.hosts[host].start("stream", self.program("testbed/stream/hasync-stream"), "--name", host, "--local", local,
                               "--remote", remote, "--rate", str(rate), "--size", str(size), "--hold",
                               "--event-gap", str(self.event_gap), "--json", report, output=events)
        return report

    def stream_events(self, host):
        with open(os.path.join(self.directory, host, "stream.events")) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def await_stream(self, since):
        """Both ends hear the other; tells of the silence that the moment `since` (CLOCK_MONOTONIC, ns) brought them."""
        offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns()
        listened = monotonic_ns() + 2 * self.event_gap * 1_000_000  # by then an end that hears nothing has said so

        def flowing():
            return monotonic_ns() > listened and all(self.stream_events(h)[-1]["event"] != "silent" for h in self._streams)
        until("the stream flows in both directions", flowing)
        for host in self._streams:
            for event in self.stream_events(host):
                if event["event"] == "back" and event["to_ns"] - offset > since:
                    self.say(f"{host} hears the stream again after {event['ms']:.0f} ms of silence", event["to_ns"] - offset)

    def stop_stream(self):
        """Ends both ends together and returns, per direction, what was sent, lost, doubled, and the longest gap. Nothing
        where no stream was asked for."""
        for host in self._streams:
            self.hosts[host].services["stream"].signal(signal.SIGTERM)
        reports = {}
        for host, path in self._streams.items():
            self.hosts[host].services.pop("stream").wait()
            with open(path) as file:
                reports[host] = json.load(file)
        if not self._streams:
            return {}
        self._streams = {}
        return {"outbound": _direction(reports["server"], reports["peer"]),
                "inbound": _direction(reports["peer"], reports["server"])}

    def check_captures(self, *earlier):
        """The capture checker's verdict on all that was recorded, and on recordings that came before."""
        self.stop_captures()
        nodes = [word for plan in topology.HOSTS.values() if "wan" in plan.at
                 for word in ("--node", f"{plan.name}={plan.mac('wan')}")]
        gateways = [word for family in topology.FAMILIES for word in ("--gateway", family.wan_vip)]
        up = ["--already-up"] if self.already_up else []
        done = subprocess.run([self.program("testbed/capture/hasync-capture"), "check", *earlier, *self.captures, "--json", *nodes,
                               *up, *gateways, "--gap", str(self.event_gap)], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"hasync-capture: {done.stderr}")
        with open(os.path.join(self.evidence, "capture.json"), "w") as file:
            file.write(done.stdout)
        return json.loads(done.stdout)

    def expect_clean_captures(self, rekeys=None):
        """No number and no nonce twice, one owner, no further authentication, and every frame was seen."""
        seen = self.check_captures()
        self.expect("violations", seen["violations"], [])
        for key in ("duplicate_esp_sequence_numbers", "duplicate_nonces", "reauthentications", "capture_dropped"):
            self.expect(key, seen[key], 0)
        self.expect("ESP packets captured", seen["esp_packets"], lambda count: count > 0)
        self.facts["malformed"] = seen["malformed"]
        if rekeys is None:
            self.facts["rekeys"] = seen["rekeys"]
        else:
            self.expect("rekeys", seen["rekeys"], rekeys)
        return seen

    def await_log(self, name, event, text="", since=0, timeout=PATIENCE):
        """The moment (CLOCK_MONOTONIC, ns) at which hasyncd of a host logged an event, the first after `since`."""
        offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns()

        def logged():
            for line in self.hosts[name].services["hasyncd"].log_text().splitlines():
                if f"event={event} " in line and text in line:
                    at = datetime.datetime.fromisoformat(line.split()[0].replace("Z", "+00:00"))
                    moment = round(at.timestamp() * 1e6) * 1000 - offset
                    if moment > since:
                        return moment
            return None
        return until(f"{event} {text} on {name}", logged, timeout)

    # Events

    def power_off(self, name):
        """Every process killed and cables out. Returns the moment (CLOCK_MONOTONIC, ns)."""
        moment = monotonic_ns()
        self.hosts[name].kill()  # first: a daemon must not see one cable go and still speak on another
        network.cut(self.hosts[name].plan)
        self.hosts[name].power_off()
        network.remove(self.hosts[name].plan)
        self.say(f"{name} is powered off", moment)
        return moment

    def power_on(self, name):
        self.hosts[name].power_on()
        network.connect(self.hosts[name])
        self.say(f"{name} is powered on again")

    def link_down(self, name, net):
        moment = monotonic_ns()
        network.unplug(name, net)
        self._unplugged.add((name, net))
        self.say(f"{name}: {net} cable is out", moment)
        return moment

    def roam(self):
        """The peer leaves its address for the other one that it has, alternating. Where it goes there is one family only, or it might go
        on by the other (RFC 4555, section 3.5)."""
        family = self.tunnel.outer
        self.lose_family(topology.OTHER[family.name])
        moment, left = monotonic_ns(), self.peer_address
        self._away ^= {family.name}
        self.hosts["peer"].ip(f"addr del {left}/{family.bits} dev wan0", f"addr add {self.peer_address}/{family.bits} dev wan0{family.now}",
                              f"route replace {topology.to_gateways(family)}")
        self.say(f"the peer roams from {left} to {self.peer_address}", moment)
        return moment

    def lose_family(self, family):
        """The peer's network has the other family only from now on."""
        moment = monotonic_ns()
        if family.name not in self._lacking:
            self._lacking.add(family.name)
            self.hosts["peer"].ip(f"addr del {self._of_peer(family)}/{family.bits} dev wan0",
                                  f"route replace {family.local_ts} dev wan0 src {family.peer_inner}")
            self.say(f"the peer has no {family.name} any more", moment)
        return moment

    def regain_families(self):
        for family in topology.FAMILIES:
            if family.name in self._lacking:
                self.hosts["peer"].ip(f"addr add {self._of_peer(family)}/{family.bits} dev wan0{family.now}",
                                      f"route replace {topology.to_gateways(family)}")
        self._lacking.clear()

    def detach_fence(self, name):
        """Takes the fence's program off the egress of the WAN interface."""
        moment = monotonic_ns()
        self.hosts[name].run("tc", "filter", "del", "dev", "wan0", "egress")
        self.say(f"{name}: the fence is detached from wan0", moment)
        return moment

    def link_up(self, name, net):
        network.plug(name, net)
        self._unplugged.discard((name, net))
        self.say(f"{name}: {net} cable is back")

    def signal(self, name, service, number):
        moment = monotonic_ns()
        self.hosts[name].services[service].signal(number)
        self.say(f"{name}: {signal.Signals(number).name} to {service}", moment)
        if number == signal.SIGKILL:
            self.hosts[name].services.pop(service).wait()
        return moment

    def step_clock(self, seconds):
        """Sets the time of day of all hosts, which have one kernel: only where that is not this machine's."""
        assert self.booted, "the time of day is set in a booted kernel only"
        time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + seconds)
        self.say(f"the time of day jumps by {seconds} s")

    def stop(self, name, service):
        """SIGTERM, and its end awaited."""
        moment = monotonic_ns()
        self.say(f"{name}: {service} is stopped", moment)
        self.hosts[name].stop(service)
        return moment

    # The story and the verdict

    def say(self, text, moment=None):
        at = (moment or monotonic_ns()) - self.zero
        self.events.append({"at_ms": round(at / 1e6, 1), "what": text})
        print(f"{at / 1e9:8.3f} s  {text}", flush=True)

    def expect(self, what, actual, wanted):
        """Books a claim: `wanted` is a value or a predicate. A failed claim fails the scenario, not at once."""
        good = wanted(actual) if callable(wanted) else actual == wanted
        self.facts[what] = actual
        if not good:
            self.failures.append(f"{what}: {actual!r}" + ("" if callable(wanted) else f", wanted {wanted!r}"))
            self.say(f"FAILED  {self.failures[-1]}")
        return good

    def pause(self, seconds):
        """Lets traffic flow for a while: a duration that is part of the story, not a wait for something."""
        time.sleep(max(0, seconds))


def _direction(receiver, sender):
    return {"sent": sender["sent"], "send_errors": sender["send_errors"], "received": receiver["received"],
            "lost": sender["sent"] - receiver["received"], "duplicates": receiver["duplicates"],
            "reordered": receiver["reordered"], "longest_gap_ms": receiver["longest_gap"]["ms"],
            "longest_gap": receiver["longest_gap"], "gaps": receiver["gaps"]}
