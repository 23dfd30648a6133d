"""The lab's release of the games: whose manifests its cell trusts, and that an image's is signed by that key."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from domicile_lab import games
from domicile_lab.images import Image
from domicile_lab.paths import Paths, checkout


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    state = tmp_path / ".lab"
    (state / "logs").mkdir(parents=True)
    return Paths(root=checkout(), state=state, cache=tmp_path / "cache")


def test_a_manifest_is_signed_once_for_an_image_by_the_key_that_the_cell_is_told(paths: Paths) -> None:
    image, said = Image("casino", "0.1.0-abc", paths.cache), []
    assert games.public_keys(paths) == []
    games.sign(paths, image, said.append)
    (key,) = games.public_keys(paths)
    envelope = json.loads(games.manifest(paths, image).read_text())
    spelt = json.dumps(envelope["manifest"], sort_keys=True, separators=(",", ":")).encode()
    signer = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
    signer.verify(base64.b64decode(envelope["signature"]), spelt)
    assert paths.games_key.stat().st_mode & 0o077 == 0
    games.sign(paths, image, said.append)
    assert len(said) == 1 and games.public_keys(paths) == [key]


def test_what_a_lost_key_signed_is_signed_anew(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def written(command: list[str], **_: object) -> str:
        Path(str(command[-1]).removeprefix("MANIFEST=")).write_text("signed")
        return ""

    monkeypatch.setattr(games, "run", written)
    first, second = (Image("casino", tag, paths.cache) for tag in ("0.1.0-abc", "0.1.0-def"))
    games.sign(paths, first, print)
    before = games.public_keys(paths)
    paths.games_key.unlink()
    games.sign(paths, second, print)
    assert games.public_keys(paths) != before
    assert not games.manifest(paths, first).exists() and games.manifest(paths, second).read_text() == "signed"
