"""The half of the lab's Ansible inventory that derives from the checkout, in Ansible's JSON form."""

from __future__ import annotations

import json
from typing import Any

from domicile_lab import games, images, machines
from domicile_lab.identity import CLOUD_NODE, MACHINES, Identity, identify, machine
from domicile_lab.openbao import server_binary
from domicile_lab.paths import Paths, checkout


def inventory(paths: Paths, identity: Identity) -> dict[str, Any]:
    """Hosts' addresses and the variables of this lab: see environments/lab/inventory/group_vars for the rest."""
    hosts: dict[str, dict[str, Any]] = {m.name: {"ansible_host": identity.address(m)} for m in MACHINES}
    groups: dict[str, Any] = {}
    if machines.pid_of(paths, CLOUD_NODE) is not None:
        hosts[CLOUD_NODE.name] = {"ansible_host": identity.address(CLOUD_NODE)} | cloud_node(paths, identity)
        groups = {group: {"hosts": [CLOUD_NODE.name]} for group in CLOUD_NODE.groups}
    variables = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(paths.ssh_key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={paths.known_hosts} -o StrictHostKeyChecking=yes",
        "secrets_dir": str(paths.secrets),
        "authority_dir": str(paths.authorities),
        "site_network": str(identity.network),
        "kubernetes_binaries": str(paths.bin),
        "kubernetes_kubeconfig": str(paths.kubeconfig),
        "kubernetes_cgroup_root": f"/{identity.cgroup(machine('node1'))}",
        "openbao_binary": str(server_binary()),
        "cell_base_domain": identity.base_domain,
        "cell_public_port": identity.port,
        "cell_games_keys": games.public_keys(paths),
        "registry_seed": [
            {"name": image.name, "tag": image.tag, "layout": str(image.layout)} for image in images.system_images(paths)
        ],
    }
    return {"_meta": {"hostvars": hosts}, "all": {"hosts": list(hosts), "vars": variables}} | groups


def cloud_node(paths: Paths, identity: Identity) -> dict[str, Any]:
    """What is the cloud's node's own: a cluster of another authority, which asks the cloud whose a token is."""
    review = {
        "url": f"https://{identity.gateway}:{identity.cloud_port}/tokenreview",
        "authority": (paths.cloud / "ca.crt").read_text(),
    }
    return {
        "kubernetes_authority": "cloud-kubernetes",
        "kubernetes_kubeconfig": str(paths.cloud_kubeconfig),
        "kubernetes_cgroup_root": f"/{identity.cgroup(CLOUD_NODE)}",
        "kubernetes_token_review": review,
    }


def main() -> None:
    """Print the inventory (`--list`; `--host` needs nothing more, since `_meta` has it)."""
    root = checkout()
    print(json.dumps(inventory(Paths.of(root), identify(root)), indent=2))
