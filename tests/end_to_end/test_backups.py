"""A tenant with money in it is backed up to the lab's store by the pods that do it; its figures are its ledger's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end import lab

STORE = "/var/lib/backup-store"


def backup(tenant: str, store: str = "offsite") -> str:
    name = f"e2e-{tenant}-{secrets.token_hex(3)}"
    lab.apply({
        "apiVersion": "casino.domicile.dev/v1alpha1", "kind": "CasinoBackup", "metadata": {"name": name},
        "spec": {"tenant": tenant, "store": store},
    })  # fmt: skip
    return name


def status(name: str) -> dict[str, Any]:
    return (lab.get("casinobackup", name) or {}).get("status", {})


@pytest.fixture(scope="module")
def taken(spare: str) -> Iterator[dict[str, Any]]:
    """The receipt of a backup of a tenant in which a player has a balance."""
    lab.let_play(lab.new_player(lab.url(spare), deposit_minor=5_000))
    name = backup(spare)
    lab.wait_for(lambda: status(name).get("phase") in {"Completed", "Failed", "Refused"}, 180, f"{name} over")
    assert status(name)["phase"] == "Completed", json.dumps(status(name))
    yield status(name)["receipt"]
    lab.kubectl("delete", "casinobackup", name)


def test_what_is_written_down_is_what_the_ledger_has(spare: str, taken: dict[str, Any]) -> None:
    report = lab.verify_ledger(spare)
    assert report["ok"]
    written = taken["ledger"]
    assert written["accounts"] <= report["accounts"] and 0 < written["postings"] <= report["postings"]
    (sums,) = written["sums"]
    assert sums["currency"] == "GBP" and int(sums["held"]) > 0
    assert taken["place"] == "sa-east-1" and taken["bytes"] > 100_000


def test_what_lies_in_the_store_is_sealed(spare: str, taken: dict[str, Any]) -> None:
    found = lab.on_machine("registry1", "find", f"{STORE}/{spare}/snapshots", "-type", "f")
    assert taken["snapshot"] in found
    plain = [part for word in ("wallet", "transactions", "player_cash") for part in ("-e", word)]
    leaked = lab.on_machine("registry1", "grep", "-rla", *plain, f"{STORE}/{spare}", check=False)
    assert leaked.strip() == ""


def test_a_serving_pod_cannot_read_what_the_backups_are_sealed_under(spare: str, taken: dict[str, Any]) -> None:
    said = lab.in_pod(
        spare,
        "import asyncio\n"
        "from casino.kernel.openbao import BaoSession\n"
        "from casino.kernel.settings import load_settings\n"
        "async def ask():\n"
        "    session = BaoSession(load_settings())\n"
        "    await session.login()\n"
        "    try:\n"
        f"        await session.read_secret('tenants/{spare}/backup')\n"
        "        return 'read it'\n"
        "    except Exception as error:\n"
        "        return type(error).__name__\n"
        "    finally:\n"
        "        await session.revoke()\n"
        "print(asyncio.run(ask()))\n",
    )
    assert said.splitlines()[-1] == "Forbidden"


def test_a_store_that_the_cell_does_not_have_is_refused(spare: str) -> None:
    name = backup(spare, "nowhere")
    lab.wait_for(lambda: status(name).get("phase") == "Refused", 30, f"{name} refused")
    assert status(name)["conditions"][0]["reason"] == "STORE_UNKNOWN"
    lab.kubectl("delete", "casinobackup", name)
