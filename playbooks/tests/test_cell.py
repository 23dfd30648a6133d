"""What the role `cell` writes into the cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLE = Path(__file__).resolve().parents[1] / "roles" / "cell"
ARCHIVE = "{{ {'ledgerArchive': cell_ledger_archive_document | from_yaml} | to_nice_yaml }}"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars_files: ["{role}/defaults/main.yml", "{role}/vars/main.yml"]
  tasks:
    - ansible.builtin.copy:
        content: "{content}"
        dest: {out}
        mode: "0644"
"""
ATTESTATIONS = f"{{{{ lookup('ansible.builtin.template', '{ROLE}/templates/attestations.yaml.j2') }}}}"
SIGNED = [b"a: 1\n", b"no newline", b'\n\n{{ no template }}\r\n\xc3\xa9 "quoted" \\n\t\n\n']


def rendered(folder: Path, tmp_path: Path, content: str = ATTESTATIONS, **given: Any) -> dict[str, Any]:
    out = tmp_path / "manifest.yaml"
    (tmp_path / "play.yml").write_text(PLAY.format(role=ROLE, out=out, content=content))
    settings = {
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
    }
    variables = json.dumps({"cell_environment_folder": str(folder)} | given)
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-e", variables]
    command.append(str(tmp_path / "play.yml"))
    done = subprocess.run(command, env=os.environ | settings, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = yaml.safe_load(out.read_text())
    return found


def test_attestations_reach_the_cluster_byte_for_byte_for_they_are_signed(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    (folder / "attestations").mkdir(parents=True)
    files = dict(zip(("officers.yaml", "no.yaml", "no.yaml.sig"), SIGNED, strict=True))
    for name, content in (files | {"README.md": b"# Attestations\n"}).items():
        (folder / "attestations" / name).write_bytes(content)
    manifest = rendered(folder, tmp_path)
    assert manifest["metadata"] == {"name": "domicile-attestations", "namespace": "domicile-system"}
    assert {name: text.encode() for name, text in manifest["data"].items()} == files


@pytest.mark.parametrize("made", [True, False])
def test_where_there_are_none_the_cluster_has_none(tmp_path: Path, made: bool) -> None:
    if made:
        (tmp_path / "environment" / "attestations").mkdir(parents=True)
    assert rendered(tmp_path / "environment", tmp_path)["data"] == {}


def test_a_cell_names_a_place_for_sealed_months_where_somebody_gave_one(tmp_path: Path) -> None:
    given = {"storage_class": "kept", "size": "20Gi"}
    told = rendered(tmp_path, tmp_path, ARCHIVE, cell_ledger_archive=given)
    assert told == {"ledgerArchive": {"storageClass": "kept", "size": "20Gi"}}
    assert rendered(tmp_path, tmp_path, ARCHIVE) == {"ledgerArchive": None}


def test_a_cell_says_how_releases_come_to_its_tenants(tmp_path: Path) -> None:
    told = "{{ {'rollouts': cell_document.rollouts} | to_nice_yaml }}"
    cell = {"site_name": "lab", "base_domain": "lab.example"}
    hosts = {"groups": {name: ["localhost"] for name in ("postgresql", "redis", "openbao")}}
    found = rendered(tmp_path, tmp_path, told, cell_rollout_watch_seconds=20, **cell, **hosts)
    assert found == {"rollouts": {"atOnce": 5, "watchSeconds": 20}}


def test_a_cell_names_whose_signed_games_it_trusts(tmp_path: Path) -> None:
    told = "{{ {'gamesKeys': cell_document.gamesKeys} | to_nice_yaml }}"
    cell = {"site_name": "lab", "base_domain": "lab.example"}
    hosts = {"groups": {name: ["localhost"] for name in ("postgresql", "redis", "openbao")}}
    assert rendered(tmp_path, tmp_path, told, cell_games_keys=["a key"], **cell, **hosts) == {"gamesKeys": ["a key"]}


def test_a_cell_names_its_registers_and_their_keys_are_openbaos_alone(tmp_path: Path) -> None:
    entry = {
        "name": "autoexclusao", "register": "Plataforma Centralizada de Autoexclusão",
        "url": "https://registers.example:8445", "cidr": "10.0.0.7/32", "port": 8445,
    }  # fmt: skip
    told = (
        "{{ {'registers': cell_exclusion_register_documents | from_yaml, 'kept': cell_openbao_registers | from_yaml}"
        " | to_nice_yaml }}"
    )
    key = '"quoted" \\'
    assert rendered(tmp_path, tmp_path, told, cell_exclusion_registers=[entry | {"key": key}]) == {
        "registers": [entry],
        "kept": [{"path": "kv/data/cell/registers/autoexclusao", "data": {"data": {"key": key}}}],
    }
    assert rendered(tmp_path, tmp_path, told) == {"registers": [], "kept": []}


def test_a_cell_names_its_stores_of_backups_and_what_opens_them_is_openbaos_alone(tmp_path: Path) -> None:
    entry = {
        "name": "offsite", "place": "sa-east-1", "url": "rest:https://backups.example:8000", "cidr": "10.0.0.8/32",
        "port": 8000,
    }  # fmt: skip
    told = (
        "{{ {'stores': cell_backup_documents | from_yaml, 'kept': cell_openbao_backups | from_yaml} | to_nice_yaml }}"
    )
    opens = {"username": "cell", "password": '"quoted" \\'}
    assert rendered(tmp_path, tmp_path, told, cell_backups=[entry | opens]) == {
        "stores": [entry],
        "kept": [{"path": "kv/data/cell/backups/offsite", "data": {"data": opens}}],
    }
    assert rendered(tmp_path, tmp_path, told) == {"stores": [], "kept": []}
