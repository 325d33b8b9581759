"""Two booted machines that are one testbed: their networks are joined by wires, their stories by files."""
import json
import os
import subprocess

from . import services, topology
from .wait import until


def plug_wires():
    """vec0, vec1, ... of this machine are the way to the other's networks."""
    for number, net in enumerate(topology.NETWORKS):
        subprocess.run(["ip", "link", "set", f"vec{number}", "master", net, "up"], check=True)


def tell(directory, event, text=""):
    path = os.path.join(directory, event)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def await_event(directory, event):
    path = os.path.join(directory, event)
    until(event, lambda: os.path.exists(path), every=0.05)
    with open(path) as file:
        return file.read()


def give_keys(bed, directory):
    tell(directory, "keys", json.dumps([bed.ring_key, bed.cluster_keys()]))


def take_keys(bed, directory):
    bed.ring_key, keys = json.loads(await_event(directory, "keys"))
    bed.use_keys(keys)


def start_gateway(bed, name):
    services.corosync(bed, bed.hosts[name])
    bed.start_charon(name)
    bed.start_hasyncd(name)
