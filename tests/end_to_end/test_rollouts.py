"""Another release comes to casinos that are played in, and is taken back: no acknowledged bet is lost."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from domicile_lab.up import FLOATING_TAG

from tests.end_to_end import lab

TENANT = "acme-gb"
SYSTEM = ("-n", "domicile-system")
STAKE, DEPOSIT, PLAYERS = 10, 50_000, 6


class Play(threading.Thread):
    """One player, who spins as fast as the game's cycle allows, and repeats with its key what got no answer."""

    def __init__(self, base_url: str) -> None:
        super().__init__(daemon=True)
        self.player = lab.new_player(base_url, deposit_minor=DEPOSIT)
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.unanswered = 0
        self.refused: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            self._bet(secrets.token_hex(12))
            time.sleep(0.1)

    def end(self) -> None:
        """After the bet that is being made."""
        self._over.set()
        self.join(timeout=60)
        assert not self.is_alive(), "a bet hangs"

    def _bet(self, key: str) -> None:
        for _ in range(30):
            try:
                answer = self.player.spin(STAKE, key=key)
            except httpx.TransportError:
                self.unanswered += 1
                time.sleep(0.5)
                continue
            if answer.status_code == 200:
                self.acknowledged[key] = answer.json()
                return
            if answer.status_code != 429:  # the game's cycle
                self.refused.append(f"{answer.status_code} {answer.text[:200]}")
            time.sleep(0.5)


@pytest.fixture
def images() -> Iterator[tuple[str, str]]:
    """The image that runs, and the same by another name; the operator has the first again afterwards."""
    now = operator_image()
    registry, _, tag = now.rpartition(":")
    following = f"{registry}:{FLOATING_TAG}"
    signed = json.loads(lab.kubectl("get", "configmap", "domicile-games", *SYSTEM, "-o", "json"))["data"]
    patch = {"data": {f"{FLOATING_TAG}.json": signed[f"{tag}.json"]}}
    lab.kubectl("patch", "configmap", "domicile-games", *SYSTEM, "--type=merge", "-p", json.dumps(patch))
    lab.kubectl("label", "casinotenant", TENANT, "domicile.dev/first=true", "--overwrite")
    yield now, following
    release(now)
    lab.wait_for(lambda: stands_on(now), 300, f"{TENANT} on {now}", every=1)
    lab.kubectl("label", "casinotenant", TENANT, "domicile.dev/first-")


def operator_image() -> str:
    found = json.loads(lab.kubectl("get", "deployment", "domicile-operator", *SYSTEM, "-o", "json"))
    told = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return next(str(one["value"]) for one in told if one["name"] == "CASINO_IMAGE")


def release(image: str) -> None:
    """What `domicile install` changes of the operator for another release."""
    lab.kubectl("set", "env", "deployment/domicile-operator", *SYSTEM, f"CASINO_IMAGE={image}")


def stands_on(image: str) -> bool:
    found = (lab.get("casinotenant", TENANT) or {}).get("status", {}).get("release", {})
    return (found.get("image"), found.get("phase")) == (image, "Settled")


def test_no_acknowledged_bet_is_lost_while_a_release_comes_and_is_taken_back(gb: str, images: tuple[str, str]) -> None:
    now, following = images
    players = [Play(gb) for _ in range(PLAYERS)]
    for one in players:
        one.start()
    for image in (following, now):
        release(image)
        lab.wait_for(lambda image=image: stands_on(image), 300, f"{TENANT} on {image}", every=1)
    for one in players:
        one.end()
    bets = sum(len(one.acknowledged) for one in players)
    print(f"{bets} bets acknowledged; asked again for want of an answer: {sum(one.unanswered for one in players)}")
    assert bets > 50 and not [said for one in players for said in one.refused]
    for one in players:
        won = sum(bet["win_minor"] for bet in one.acknowledged.values())
        assert one.player.balance() == DEPOSIT - STAKE * len(one.acknowledged) + won
        for key in list(one.acknowledged)[-5:]:  # and the same key has the same answer on whatever pod
            assert one.player.spin(STAKE, key=key).json() == one.acknowledged[key]
    assert lab.verify_ledger(TENANT)["ok"] is True
