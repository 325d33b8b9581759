"""What a scenario holds in its hands: the hosts, the daemons on them, the events, the evidence."""
import datetime
import json
import os
import signal
import subprocess
import time

from . import network, services, topology
from .host import Host, monotonic_ns
from .wait import TimedOut, until


class Bed:
    def __init__(self, directory, build, booted, libipsec=False):
        self.directory, self.build, self.booted, self.libipsec = directory, build, booted, libipsec
        self.pace = topology.BOOTED if booted else topology.NATIVE
        self.esp_proposal = "aes128gcm16"
        self.event_gap = 100 if booted else 30  # ms of silence that a stream tells about
        self.charon_load = {}                   # host -> plugins to load instead of ours
        self.charon_extra = {}                  # host -> further lines of strongswan.conf's charon section
        self.hasyncd_extra = ""                 # further text of every hasyncd.toml
        self.events, self.failures, self.facts = [], [], {}
        self.ring_key = os.urandom(256).hex()   # shared by the cluster's corosync processes
        self._keys = None
        self._recorders, self._captures, self._streams = [], [], {}
        self._zero = monotonic_ns()
        plugin = os.path.join(build, "ctx-transfer/charon-plugin/libstrongswan-hasync.so")
        os.makedirs(directory, exist_ok=True)
        self.hosts = {
            name: Host(plan, os.path.join(directory, name), plugin if plan.gateway and os.path.exists(plugin) else None)
            for name, plan in topology.HOSTS.items()}

    # Building it up

    def start(self, *names):
        """Bridges, and the named hosts (default: all), plugged in."""
        network.lay_bridges()
        for name in names or self.hosts:
            self.hosts[name].power_on()
            network.connect(self.hosts[name])
        self.say(f"hosts are up: {', '.join(names or self.hosts)}")

    def host(self, name):
        return self.hosts[name]

    def program(self, path):
        program = os.path.join(self.build, path)
        if not os.path.exists(program):
            raise RuntimeError(f"{program} is not built")
        return program

    def hold_vip(self, name):
        """The addresses that peers and servers speak to; hasyncd does this in a cluster."""
        self.hosts[name].ip(f"addr add {topology.WAN_VIP}/32 dev wan0", f"addr add {topology.LAN_VIP}/32 dev lan0")

    def start_charon(self, *names):
        for name in names:
            services.charon(self, self.hosts[name])

    def start_corosync(self, *names):
        names = names or topology.CLUSTER
        for name in names:
            services.corosync(self, self.hosts[name])
        wanted = sorted(topology.HOSTS[name].node for name in topology.CLUSTER if "corosync" in self.hosts[name].services)
        for name in names:
            until(f"{name} sees the members {wanted}", lambda n=name: services.members(self.hosts[n]) == wanted)
        self.say(f"corosync is quorate: members {wanted}")

    def start_hasyncd(self, *names):
        """hasyncd on the named hosts (default: the cluster); it answers, though it may not be in step yet."""
        for name in names or topology.CLUSTER:
            services.hasyncd(self, self.hosts[name])

    def cluster_keys(self):
        """What `haipsec keygen` makes, once: the texts of the gateways' key file and of the witness's."""
        if not self._keys:
            files = [os.path.join(self.directory, name) for name in ("gateway.key", "witness.key")]
            subprocess.run([self.program("haipsec/haipsec"), "keygen", "--out", files[0], "--witness", files[1]], check=True,
                           stdout=subprocess.DEVNULL)
            self._keys = [open(name).read() for name in files]
        return self._keys

    def status(self, name, *words):
        """`haipsec --json status` on a host (or what `words` ask for instead); None while hasyncd does not answer."""
        text = self.hosts[name].run(self.program("haipsec/haipsec"), "--json", *(words or ("status",)), check=False)
        try:
            answer = json.loads(text)
        except ValueError:
            return None
        return answer.get("status", answer) if answer.get("ok") else None

    def owner(self, *asked):
        """The name of the one owner that all asked nodes (default: all with a living hasyncd) agree upon, or None."""
        asked = asked or [name for name in topology.CLUSTER if self.runs(name, "hasyncd")]
        told = {(status or {}).get("owner") for status in map(self.status, asked)}
        names = {plan.node: plan.name for plan in topology.HOSTS.values() if plan.node}
        return names.get(told.pop()) if len(told) == 1 else None

    def await_owner(self, wanted, timeout=30):
        """The owner, once `wanted` says that it is; or whoever is it when time is up."""
        try:
            until(f"{wanted} is the owner", lambda: self.owner(wanted) == wanted, timeout, every=0.2)
            self.say(f"{wanted} is the owner")
        except TimedOut:
            pass
        return self.owner(wanted)

    def await_protected(self, timeout=20):
        """Every tunnel of the owner would survive it."""
        def safe():
            status = self.status(self.owner() or topology.GATEWAYS[0]) or {}
            return status.get("tunnels", 0) > 0 and status.get("unprotected") == 0
        until("the tunnel is protected", safe, timeout, every=0.1)
        self.say("the tunnel is protected: the standby has its context")

    def await_tunnels(self, name, count, timeout=20):
        """How many tunnels the cluster's log holds, as this node sees it: `count`, or what it is when time is up."""
        try:
            until(f"{count} tunnels", lambda: (self.status(name) or {}).get("tunnels") == count, timeout, every=0.1)
        except TimedOut:
            pass
        return (self.status(name) or {}).get("tunnels")

    def runs(self, name, service):
        services_of = self.hosts[name].services
        return service in services_of and services_of[service].alive()

    def await_cluster(self, timeout=30):
        """One owner, known to all, the other gateway ready to take over. Returns their names."""
        def in_step():
            owner = self.owner()
            ready = owner and [member["name"] for member in (self.status(owner) or {}).get("members", [])
                               if member["ready"] and member["name"] != owner and member["role"] != "witness"]
            return owner and ready and (owner, ready[0])
        owner, standby = until("an owner and a standby that is ready", in_step, timeout, every=0.2)
        self.say(f"{owner} owns, {standby} stands by")
        return owner, standby

    def initiate(self, host="peer", child="net"):
        vici = self.hosts[host].vici_env
        started = monotonic_ns()
        self.hosts[host].run("swanctl", "--initiate", "--child", child, "--timeout", "20", env=vici)
        self.say(f"tunnel is up ({(monotonic_ns() - started) / 1e6:.0f} ms)")

    def rekey_child(self, host):
        """A CREATE_CHILD_SA begun by `host`; returns when the new SA alone is left."""
        before = until(f"one CHILD_SA on {host}", lambda: self._one_child(host), timeout=15)
        self.hosts[host].run("swanctl", "--rekey", "--child", "net", env=self.hosts[host].vici_env)
        until(f"a new CHILD_SA after a rekey by {host}", lambda: self._one_child(host) - before, timeout=15)
        self.say(f"{host} rekeyed the CHILD_SA")

    def _one_child(self, host):
        """The two SPIs of the only CHILD_SA; nothing while there are more, or none."""
        spis = self.spis(host)
        return spis if len(spis) == 2 else set()

    def spis(self, host):
        """SPIs of the installed CHILD_SAs, as charon of that host lists them."""
        text = self.hosts[host].run("swanctl", "--list-sas", env=self.hosts[host].vici_env)
        return {line.split()[1].rstrip(",") for line in text.splitlines() if line.split()[:1] in (["in"], ["out"])}

    # Evidence

    def capture(self, at="wan-peer"):
        """Records a cable from the switch's side (NETWORK-HOST)."""
        path = os.path.join(self.directory, at + ".pcap")
        process = subprocess.Popen([self.program("testbed/capture/hasync-capture"), "record", at, path],
                                   stderr=open(path + ".log", "w"))
        until(f"recording of {at}", lambda: os.path.exists(path) and os.path.getsize(path) or process.poll() is not None)
        self._recorders.append(process)
        self._captures.append(path)
        return path

    def stop_captures(self):
        for process in self._recorders:
            process.send_signal(signal.SIGTERM)
        for process in self._recorders:
            process.wait(20)
        self._recorders = []

    def stream(self, rate, size=200):
        """A stream through the tunnel in both directions."""
        inner, server = f"{topology.PEER_INNER}:7000", f"{topology.HOSTS['server'].address('lan')}:7000"
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

    def await_stream(self, since, timeout=20):
        """Both ends hear the other; tells of the silence that the moment `since` (CLOCK_MONOTONIC, ns) brought them."""
        offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - monotonic_ns()
        listened = monotonic_ns() + 2 * self.event_gap * 1_000_000  # by then an end that hears nothing has said so

        def flowing():
            return monotonic_ns() > listened and all(self.stream_events(h)[-1]["event"] != "silent" for h in self._streams)
        until("the stream flows in both directions", flowing, timeout)
        for host in self._streams:
            for event in self.stream_events(host):
                if event["event"] == "back" and event["to_ns"] - offset > since:
                    self.say(f"{host} hears the stream again after {event['ms']:.0f} ms of silence", event["to_ns"] - offset)

    def stop_stream(self):
        """Ends both ends together and returns, per direction, what was sent, lost, doubled, and the longest gap."""
        for host in self._streams:
            self.hosts[host].services["stream"].signal(signal.SIGTERM)
        reports = {}
        for host, path in self._streams.items():
            self.hosts[host].services.pop("stream").wait(10)
            with open(path) as file:
                reports[host] = json.load(file)
        self._streams = {}
        return {"outbound": _direction(reports["server"], reports["peer"]),
                "inbound": _direction(reports["peer"], reports["server"])}

    def check_captures(self, *options):
        """The capture checker's verdict on all that was recorded."""
        self.stop_captures()
        nodes = [word for plan in topology.HOSTS.values() if "wan" in plan.at
                 for word in ("--node", f"{plan.name}={plan.mac('wan')}")]
        done = subprocess.run([self.program("testbed/capture/hasync-capture"), "check", "--json", *nodes, "--gap",
                               str(self.event_gap), "--gateway", topology.WAN_VIP, *options, *self._captures],
                              capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"hasync-capture: {done.stderr}")
        with open(os.path.join(self.directory, "capture.json"), "w") as file:
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

    def await_log(self, name, event, text="", since=0, timeout=30):
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
        self.say(f"{name}: {net} cable is out", moment)
        return moment

    def detach_fence(self, name):
        """Takes the fence's program off the egress of the WAN interface."""
        moment = monotonic_ns()
        self.hosts[name].run("tc", "filter", "del", "dev", "wan0", "egress")
        self.say(f"{name}: the fence is detached from wan0", moment)
        return moment

    def link_up(self, name, net):
        network.plug(name, net)
        self.say(f"{name}: {net} cable is back")

    def signal(self, name, service, number):
        moment = monotonic_ns()
        self.hosts[name].services[service].signal(number)
        self.say(f"{name}: {signal.Signals(number).name} to {service}", moment)
        if number == signal.SIGKILL:
            self.hosts[name].services.pop(service).wait()
        return moment

    def stop(self, name, service):
        """SIGTERM, and its end awaited."""
        moment = monotonic_ns()
        self.say(f"{name}: {service} is stopped", moment)
        self.hosts[name].stop(service)
        return moment

    # The story and the verdict

    def say(self, text, moment=None):
        at = (moment or monotonic_ns()) - self._zero
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
