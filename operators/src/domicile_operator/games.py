"""The signed manifest of what may decide the games' outcomes (docs/games.md), and whether this cell trusts it.

The manifest comes with the release, in the ConfigMap `domicile-games`; whose signature counts is in the cell's
description, which another hand writes: who could change what is run is not who vouches for it.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domicile_operator.conditions import GAMES_VERIFIED, Condition
from domicile_operator.errors import Refused

SUFFIX = ".json"
LIMIT = 100_000
"""Bytes of a manifest. It lies in a tenant's ConfigMap beside the rules and the networks."""


@dataclass(frozen=True)
class GamesManifest:
    """A manifest as it was signed, byte for byte, and the public key that it was signed by (raw, in base64)."""

    text: str
    key: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def trusted(
    manifests: Mapping[str, str], keys: Sequence[str], version: str, cell: str
) -> GamesManifest | Refused | None:
    """The manifest of the casino's image of that version, if one of the keys signed it.

    `manifests` are texts by version. None without keys: then nobody's signature is asked for. Refused with
    GAMES_MANIFEST_MISSING or GAMES_MANIFEST_UNTRUSTED: a casino that verified nothing would offer no game.
    """
    if not keys:
        return None
    text = manifests.get(version)
    if text is None:
        return Refused(
            "GAMES_MANIFEST_MISSING",
            f"Cell {cell} trusts only games that its gamesKeys signed, and the ConfigMap domicile-games in namespace "
            f"domicile-system has no {version}{SUFFIX} for its image of the casino. Install the release with its "
            "manifest: `domicile install --games-manifest FILE` (docs/games.md).",
        )
    signers = [key for key in keys if len(text.encode()) <= LIMIT and _signed(text, key)]
    if not signers:
        return Refused(
            "GAMES_MANIFEST_UNTRUSTED",
            f"{version}{SUFFIX} of the ConfigMap domicile-games in namespace domicile-system is no manifest that one "
            f"of the gamesKeys of cell {cell} signed. Sign the release's manifest by such a key and install it again; "
            "if somebody else signs now, their key is to be in the cell's description first.",
        )
    return GamesManifest(text, signers[0])


def judge(manifest: GamesManifest | None, cell: str, told: Sequence[bool | None], pods: int) -> Condition:
    """The condition, given what the pods that answered found of their games' files. Pure."""
    if manifest is None:
        return Condition(
            GAMES_VERIFIED,
            "False",
            "NoKey",
            f"Cell {cell} names no gamesKeys: casinos hold their games' software against no signed manifest "
            "(docs/games.md).",
        )
    answers = [one for one in told if one is not None]
    if not pods or len(answers) < pods:
        return Condition(
            GAMES_VERIFIED, "Unknown", "NotSeen", f"{len(answers)} of {pods} pods say what they found of their games."
        )
    signed = f"the manifest {manifest.digest[:12]} that {manifest.key} signed"
    faulty = answers.count(False)
    if faulty:
        return Condition(
            GAMES_VERIFIED,
            "False",
            "VerificationFailed",
            f"{faulty} of {pods} pods differ from {signed}, and offer none of the games concerned. Their logs name the "
            "files; GET /api/v1/staff/games the games. A manifest of another build than the image does this too.",
        )
    return Condition(GAMES_VERIFIED, "True", "Verified", f"{pods} of {pods} pods found their games to be as {signed}.")


def _signed(text: str, key: str) -> bool:
    """Whether the key's signature is under the manifest, in the spelling that the casino verifies it in."""
    try:
        envelope = json.loads(text)
        spelt = json.dumps(envelope["manifest"], sort_keys=True, separators=(",", ":")).encode()
        signature = base64.b64decode(envelope["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(signature, spelt)
    except (ValueError, KeyError, TypeError, RecursionError, InvalidSignature):
        return False
    return True
