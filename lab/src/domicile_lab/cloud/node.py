"""A real node behind the cloud's EKS clusters: a machine of the lab with a control plane of its own.

A cluster that is built after it stands answers there, and asks the cloud whose a token is, as EKS does.
"""

from __future__ import annotations

import base64
import json
import shutil

from domicile_lab import host, machines
from domicile_lab.cloud.state import CLUSTER_JSON, Cloud
from domicile_lab.identity import CLOUD_NODE, Identity, machine
from domicile_lab.paths import Paths
from domicile_lab.progress import Step
from domicile_lab.shell import CommandError, Say


def steps(paths: Paths, identity: Identity, cloud: Cloud) -> list[Step]:
    """What makes the node and puts it behind the clusters; each is safe to run again.

    CommandError where the lab's machines, whose registry and name service the node needs, do not run.
    """
    if machines.pid_of(paths, machine("registry1")) is None:
        raise CommandError("The node pulls its images from the lab's registry, which does not run: `make up` first.")

    def boot(say: Say) -> None:
        machines.boot(paths, identity, CLOUD_NODE, say)
        machines.write_known_hosts(paths, identity)

    def provision(say: Say) -> None:
        machines.provision(paths, "cloud-node.log", say, "--limit", CLOUD_NODE.name)

    def behind(say: Say) -> None:
        authority = (paths.authorities / "cloud-kubernetes.crt").read_bytes()
        told = {
            "endpoint": f"https://{identity.address(CLOUD_NODE)}:6443",
            "certificate_authority": base64.b64encode(authority).decode(),
        }
        (cloud.folder / CLUSTER_JSON).write_text(json.dumps(told))

    return [
        Step("machine", boot),
        Step("cluster", provision, after=("machine",)),
        Step("behind EKS", behind, after=("cluster",)),
    ]


def end(paths: Paths, identity: Identity, say: Say) -> None:
    """Stop the node and forget it: the clusters that it stood for end with the cloud."""
    machines.stop(paths, CLOUD_NODE, say)
    shutil.rmtree(paths.machine(CLOUD_NODE.name), ignore_errors=True)
    host.remove_cgroups(identity, CLOUD_NODE)
