"""The inventory's dynamic half: the cloud's node is in it while its machine runs, as a cluster of its own."""

from pathlib import Path
from typing import Any

import pytest
from domicile_lab import images, machines
from domicile_lab.identity import CLOUD_NODE, MACHINES, identify
from domicile_lab.inventory import inventory
from domicile_lab.paths import Paths


def told(root: Path, monkeypatch: pytest.MonkeyPatch, *, node: bool) -> dict[str, Any]:
    paths = Paths(root=root, state=root / ".lab", cache=root / "cache")
    paths.cloud.mkdir(parents=True, exist_ok=True)
    (paths.cloud / "ca.crt").write_text("a certificate")
    monkeypatch.setattr(machines, "pid_of", lambda _, m: 1 if node or m is not CLOUD_NODE else None)
    monkeypatch.setattr(images, "system_images", lambda _: [])
    return inventory(paths, identify(root))


def test_without_the_clouds_node_there_are_the_sites_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = told(tmp_path, monkeypatch, node=False)
    assert without["all"]["hosts"] == [m.name for m in MACHINES]
    assert set(without) == {"_meta", "all"}


def test_the_clouds_node_shares_nothing_with_the_sites_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = told(tmp_path, monkeypatch, node=True)
    for group in ("kubernetes", "cloud"):
        assert with_it[group] == {"hosts": ["cloud1"]}
    own, shared = with_it["_meta"]["hostvars"]["cloud1"], with_it["all"]["vars"]
    assert own["kubernetes_token_review"]["url"].startswith(f"https://{identify(tmp_path).gateway}:")
    assert own["kubernetes_token_review"]["authority"] == "a certificate"
    assert own["kubernetes_authority"] != "kubernetes"
    for name in ("kubernetes_kubeconfig", "kubernetes_cgroup_root"):
        assert own[name] != shared[name], name
