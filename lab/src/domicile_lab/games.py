"""The lab's own release of the games: a key that signs manifests, and the manifest of each image that is built.

The key stays on the host. The site's playbook tells the cell its public half; `make install` brings the manifest.
"""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from domicile_lab.images import Image
from domicile_lab.paths import Paths
from domicile_lab.shell import Say, run


def public_keys(paths: Paths) -> list[str]:
    """Whose manifests the lab's cell trusts: raw Ed25519 keys in base64. None before the first key was made."""
    if not paths.games_key.exists():
        return []
    key = serialization.load_pem_private_key(paths.games_key.read_bytes(), password=None)
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return [base64.b64encode(raw).decode()]


def manifest(paths: Paths, image: Image) -> Path:
    """Where the manifest of an image's games lies."""
    return paths.games / f"{image.tag}.json"


def sign(paths: Paths, image: Image, say: Say) -> None:
    """Sign what decides the outcomes of an image's games, unless it is signed already.

    The digests are of this checkout's files: the image's tag is a hash of the same.
    """
    _ensure_key(paths)
    target = manifest(paths, image)
    if target.exists():
        return
    say(f"games of {image.tag}: signed")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    run(
        ["make", "--no-print-directory", "manifest", f"KEY={paths.games_key}", f"MANIFEST={partial}"],
        cwd=paths.root,
        log=paths.logs / "images.log",
    )
    partial.rename(target)


def _ensure_key(paths: Paths) -> None:
    if paths.games_key.exists():
        return
    # What another key signed is worth nothing any more.
    shutil.rmtree(paths.games, ignore_errors=True)
    key = ed25519.Ed25519PrivateKey.generate()
    paths.games_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths.games_key.touch(mode=0o600)
    paths.games_key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
