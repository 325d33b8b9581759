"""Two gateways and a witness that have nothing of ours but the packages become a cluster as docs/operations.md says; then the
owner is powered off. docs/examples/first-start.sh is run as it is; what it calls ssh and scp goes into the namespaces.

Needs what the test package_installed leaves: the roots of a gateway and of a witness, freshly installed.
"""
import glob
import json
import os
import re
import subprocess

from bed import machine, story, swanctl, topology
from bed.machine import Machine
from bed.wait import until

_EXAMPLES = "usr/share/doc/hasyncd/examples"
_SAMPLE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/examples")
_LOAD = {"ring-timing", "fence"}  # what a busy machine may be warned of
_WARNINGS = 4
_SSH = """#!/bin/sh
pid=$(cat %s/"${1#root@}"/pid)
shift
exec nsenter --target "$pid" --mount --uts --net --pid -- env HOME=/root /bin/sh -c "cd; $*"
"""
_SCP = """#!/bin/sh
[ "$1" = -q ] && shift
for to; do :; done
for file; do
  [ "$file" = "$to" ] || "$(dirname "$0")"/ssh "${to%:}" "cat > '$(basename "$file")'" < "$file"
done
"""


def play(bed):
    installed = os.path.join(bed.build, "package/installed")
    for name in topology.CLUSTER:
        plan = topology.HOSTS[name]
        bed.hosts[name] = Machine(plan, bed.hosts[name].directory, os.path.join(installed, "gateway" if plan.gateway else "witness"))
        fit_examples(bed, bed.hosts[name])
    bed.start()
    try:
        bed.facts["commands"] = run_script(bed)
        bed.expect("commands", bed.facts["commands"], lambda count: count <= 10)
        expect_all_well(bed)
        owner, standby = bed.await_cluster() if bed.booted else look_after(bed)  # slow there, and the same
        if not bed.libipsec:  # where the kernel has no ESP a cluster has no tunnels, and is one all the same
            begin_traffic(bed)
        moment = bed.power_off(owner)
        bed.expect("owner after", bed.await_owner(standby), standby)
        if not bed.libipsec:
            bed.await_stream(moment)
            story.judge(bed, rekeys=0)
    finally:
        switch_off(bed)


def expect_all_well(bed):
    for name in topology.CLUSTER:
        told = bed.hosts[name].run("haipsec", "check", "--json", check=False)
        found = [finding for finding in json.loads(told)["findings"] if finding["level"] != "ok"]
        bed.expect(f"what is wrong on {name}", [finding for finding in found
                                                if finding["level"] == "error" or finding["id"] not in _LOAD], [])


def look_after(bed):
    """What operations.md says about upgrading, replacing a node, and the end of all of them. Returns owner and standby."""
    owner, standby = bed.await_cluster()
    bed.hosts[owner].run("systemctl", "reload", "hasyncd")
    until("the configuration was read again",
          lambda: "event=reloaded" in bed.hosts[owner].run("journalctl", "--boot", "--unit=hasyncd", "--output=cat"))
    upgrade(bed, standby)
    bed.hosts[owner].run("haipsec", "migrate", "--to", standby)
    bed.expect("owner while the first is upgraded", bed.await_owner(standby), standby)
    upgrade(bed, owner)
    upgrade(bed, "witness")

    replaced = bed.hosts[owner]
    replaced.run("systemctl", "stop", "strongswan", "hasyncd")
    replaced.run("sh", "-c", "rm -r /var/lib/hasyncd/*")  # as on a new disk
    replaced.run("systemctl", "start", "hasyncd", "strongswan")
    bed.expect("cluster with a replaced node", bed.await_cluster(), (standby, owner))

    for name in topology.CLUSTER:
        bed.hosts[name].run("systemctl", "stop", "hasyncd")
    for name in topology.CLUSTER:
        bed.hosts[name].run("systemctl", "start", "hasyncd")
    return bed.await_cluster()


def upgrade(bed, name):
    host = bed.hosts[name]
    host.run("sh", "-c", "apt-get -qq install --reinstall /root/*.deb && systemctl restart hasyncd", timeout=120)
    if host.plan.gateway:
        host.run("systemctl", "restart", "strongswan")
    bed.await_cluster()


def begin_traffic(bed):
    bed.start_charon("peer")
    bed.capture("wan-peer")
    bed.initiate()
    bed.await_protected()
    bed.stream(100 if bed.booted else 1000)
    bed.pause(1)


def switch_off(bed):
    for name in topology.CLUSTER:
        host = bed.hosts[name]
        if host.up:
            host.write("journal.log", host.run("journalctl", "--boot", "--output=short-precise", check=False))
            bed.power_off(name)


def fit_examples(bed, host):
    """The examples' times are for real machines, and their addresses IPv4's; elsewhere an operator changes them, as is done here."""
    ring, vips, slow_ring, slow = [], [], [], []
    if bed.family is not topology.V4:
        ring, vips = addresses(bed.family)
    if bed.booted:
        slow_ring, slow = times(bed.pace)
    gateway = host.plan.gateway
    for name, changes in (("corosync.conf", ring + slow_ring),
                          ("gateway.toml" if gateway else "witness.toml", ring + (vips if gateway else []) + slow)):
        if changes:
            host.edit(f"{_EXAMPLES}/witness/{name}", *changes)


def addresses(family):
    """Changes of those on the ring, and of the shared ones."""
    examples = topology.V4
    vips = [(re.escape(f"{old}/{examples.bits}"), f"{new}/{family.bits}")
            for old, new in ((examples.wan_vip, family.wan_vip), (examples.lan_vip, family.lan_vip))]
    return [(re.escape(examples.networks["ring"]), family.networks["ring"])], vips


def times(pace):
    """Changes of corosync's and of hasyncd's."""
    ring = [(r"token: \d+", f"token: {pace.token}"),
            (r"token_retransmit: \d+\n *hold: \d+", f"token_retransmits_before_loss_const: {pace.retransmits}"),
            (r"^ *consensus: \d+\n", ""), (r"\Z", "system {\n  sched_rr: no\n  priority: 0\n}\n")]
    return ring, [(r"\Z", f"\n[heartbeat]\ninterval_ms = {pace.heartbeat}\nrealtime = false\n\n"
                          f"[fence]\nfence_ms = {pace.fence}\nevict_after_ms = {pace.silence}\n\n"
                          f"[lease]\nsize = {pace.lease}\npeak = {pace.peak}\n\n"
                          f"[output_commit]\nwait_ms = {pace.commit_wait}\n")]


def branch(text, family):
    """The example's connections, with a secret and the story's addresses."""
    for old, new in (("replace this", swanctl.SECRET), *((getattr(topology.V4, name), getattr(family, name))
                                                         for name in ("wan_vip", "local_ts", "remote_ts"))):
        text = text.replace(old, new)
    return text


def run_script(bed):
    """Runs it where the packages are; returns how many commands it has."""
    tools = os.path.join(machine.DISKS, "bin")
    os.makedirs(tools)
    for name, text in (("ssh", _SSH % machine.DISKS), ("scp", _SCP)):
        with open(os.open(f"{tools}/{name}", os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
            file.write(text)
    for package in glob.glob(os.path.join(bed.build, "package/*.deb")):
        os.symlink(package, os.path.join(tools, os.path.basename(package)))
    with open(os.path.join(_SAMPLE, "swanctl.conf")) as file, open(f"{tools}/branch.conf", "w") as ours:
        ours.write(branch(file.read(), bed.family))
    script = os.path.join(_SAMPLE, "first-start.sh")
    done = subprocess.run([script], cwd=tools, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, timeout=300)
    print(done.stdout, flush=True)
    if done.returncode not in (0, _WARNINGS):
        raise RuntimeError(f"first-start.sh ended with {done.returncode}")
    bed.say("first-start.sh is done")
    with open(script) as file:
        return sum(line.startswith(("on ", "to ")) for line in file)
