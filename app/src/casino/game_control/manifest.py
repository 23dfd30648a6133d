"""What may decide outcomes, as signed digests: which files, and whether those that are there are they.

A component is a game with its definition and every code file that its outcomes go through, or the generator. A file
that differs disables each component that it belongs to (GLI-19: verified at start, daily and on demand; a component
that fails is disabled). Pure: digests come in as values (manifest_files.py reads them).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casino.kernel.errors import ConfigurationError

GENERATOR = "generator"
GENERATOR_FILES = ("drbg.py", "entropy.py", "health.py", "rng.py", "rounds.py")
SHARED_FILES = (
    "approval.py",
    "catalogue.py",
    "definition.py",
    "fair.py",
    "figures.py",
    "jackpots.py",
    "service.py",
    *GENERATOR_FILES,
)
"""What every game's outcomes go through."""
KIND_FILES: Mapping[str, tuple[str, ...]] = {
    "baccarat": ("engines/baccarat.py", "engines/cards.py"),
    "blackjack": (
        "engines/blackjack.py",
        "engines/blackjack_hands.py",
        "engines/blackjack_maths.py",
        "engines/cards.py",
    ),
    "crash": ("engines/crash.py",),
    "dice": ("engines/dice.py",),
    "line_slot": ("engines/line_slot.py", "models.py", "slot.py"),
    "roulette": ("engines/roulette.py",),
    "video_poker": (
        "engines/cards.py",
        "engines/poker_hands.py",
        "engines/video_poker.py",
        "engines/video_poker_maths.py",
    ),
    "video_slot": ("engines/video_slot.py", "engines/video_slot_maths.py"),
}

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ManifestInvalid(ConfigurationError):
    """The manifest or its key cannot be used: nothing that it should vouch for may be played."""


class Component(BaseModel):
    """`version` is the game's; `files` maps paths within this package to SHA-256."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    version: str
    files: dict[str, Digest]

    @property
    def signature(self) -> str:
        """One SHA-256 for the whole component: what a laboratory's certificate and an approved list name."""
        listed = "".join(f"{digest}  {path}\n" for path, digest in sorted(self.files.items()))
        return hashlib.sha256(listed.encode()).hexdigest()


class Manifest(BaseModel):
    """`created_at` is UTC, ISO 8601."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    schema_version: Literal[1] = 1
    created_at: str
    components: dict[str, Component]

    def signed_bytes(self) -> bytes:
        """What the signature is over: the document in one spelling."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()


class Envelope(BaseModel):
    """The manifest's file: the manifest, and the Ed25519 signature of its bytes in base64."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    manifest: Manifest
    signature: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a component. It holds no contents, and is fit for a log and a screen."""

    component: str
    path: str
    kind: Literal["changed", "missing", "bytecode", "unlisted", "manifest"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a run found. `components` are those that were looked at, with their signatures as they are on disk."""

    components: Mapping[str, str]
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        return not self.faults

    @property
    def disabled(self) -> frozenset[str]:
        """The components that may not be used."""
        return frozenset(fault.component for fault in self.faults)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "components": dict(self.components),
            "faults": [{"component": f.component, "path": f.path, "kind": f.kind} for f in self.faults],
        }


def files_of(games: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Component -> its files, for games as `id -> (kind, definition's file name)`."""
    files = {
        game: (f"games/{definition}", *KIND_FILES[kind], *SHARED_FILES) for game, (kind, definition) in games.items()
    }
    return files | {GENERATOR: GENERATOR_FILES}


def describe(
    games: Mapping[str, tuple[str, str]], versions: Mapping[str, str], digests: Mapping[str, str], created_at: str
) -> Manifest:
    """The manifest of what is there now. Raises KeyError when a file has no digest."""
    return Manifest(
        created_at=created_at,
        components={
            name: Component(version=versions.get(name, "1"), files={path: digests[path] for path in sorted(set(paths))})
            for name, paths in files_of(games).items()
        },
    )


def sign(manifest: Manifest, key: Ed25519PrivateKey) -> Envelope:
    signature = key.sign(manifest.signed_bytes())
    return Envelope(manifest=manifest, signature=base64.b64encode(signature).decode())


def open_envelope(text: str, public_key: str) -> Manifest:
    """The manifest, when the key's signature is under it. `public_key` is the raw key in base64.

    Raises ManifestInvalid, and tells a bad signature from a bad document.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
    except (ValueError, binascii.Error) as error:
        raise ManifestInvalid("CASINO_GAMES_MANIFEST_KEY is no Ed25519 public key in base64") from error
    try:
        envelope = Envelope.model_validate_json(text)
        signature = base64.b64decode(envelope.signature, validate=True)
    except (ValidationError, ValueError, binascii.Error) as error:
        raise ManifestInvalid("the games' manifest is not a signed manifest") from error
    try:
        key.verify(signature, envelope.manifest.signed_bytes())
    except InvalidSignature as error:
        raise ManifestInvalid("the games' manifest is not signed by CASINO_GAMES_MANIFEST_KEY") from error
    return envelope.manifest


def verify(
    manifest: Manifest,
    games: Mapping[str, tuple[str, str]],
    digests: Mapping[str, str],
    altered_bytecode: frozenset[str] = frozenset(),
) -> Verification:
    """Hold what is there against the manifest.

    `games` are those that are there, `digests` the SHA-256 of every file that is there, and `altered_bytecode` the
    files whose compiled form is not what their source compiles to. A game that the manifest does not list is a fault,
    and so is a file that a component goes through and the manifest does not list for it.
    """
    present = files_of(games)
    faults: list[Fault] = []
    signatures = {}
    for name, component in manifest.components.items():
        for path, digest in component.files.items():
            if path not in digests:
                faults.append(Fault(name, path, "missing"))
            elif digests[path] != digest:
                faults.append(Fault(name, path, "changed"))
            elif path in altered_bytecode:
                faults.append(Fault(name, path, "bytecode"))
        found = {path: digests[path] for path in component.files if path in digests}
        signatures[name] = Component(version=component.version, files=found).signature
    for name, paths in present.items():
        listed = manifest.components[name].files if name in manifest.components else {}
        faults += [Fault(name, path, "unlisted") for path in sorted(set(paths)) if path not in listed]
    return Verification(signatures, tuple(faults))


def everything_disabled(games: Mapping[str, tuple[str, str]]) -> Verification:
    """What holds when the manifest itself cannot be trusted."""
    return Verification({}, tuple(Fault(name, "", "manifest") for name in files_of(games)))
