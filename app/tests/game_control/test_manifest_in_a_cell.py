"""The manifest on its way from a release to a casino's pods: who signs it and who reads it agree."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from casino.__main__ import main
from casino.game_control.settings import load_game_settings
from casino.game_control.verification import build_verification
from casino.kernel.clock import SystemClock
from casino.kernel.metrics import GAMES_VERIFIED, REGISTRY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from domicile_operator.clients.pods import ask_all
from domicile_operator.games import GamesManifest, trusted
from prometheus_client import generate_latest

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(7, 39)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def test_what_the_release_signs_the_operator_trusts_and_the_casino_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, file = tmp_path / "games.pem", tmp_path / "manifest.json"
    pem.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert main(["games", "manifest", "--key", str(pem), "--output", str(file)]) == 0
    found = trusted({"1": file.read_text()}, (PUBLIC,), "1", "lab")
    assert isinstance(found, GamesManifest)
    mounted = tmp_path / "mounted.json"
    mounted.write_text(found.text)
    monkeypatch.setenv("CASINO_GAMES_MANIFEST", str(mounted))
    monkeypatch.setenv("CASINO_GAMES_MANIFEST_KEY", found.key)
    verification = build_verification(load_game_settings(), SystemClock())
    assert verification is not None and verification.run().ok


@pytest.mark.parametrize("ok", [True, False])
def test_the_operator_reads_from_a_casinos_metrics_what_it_found_of_its_games(ok: bool) -> None:
    GAMES_VERIFIED.set(1 if ok else 0)
    (told,) = ask_all(["a pod"], lambda _: generate_latest(REGISTRY).decode())
    assert told.games is ok
