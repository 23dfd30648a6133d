"""The files behind the manifest: their digests, and whether what is compiled is what is written."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import marshal
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from casino.game_control.catalogue import GameRefused, parse_definition
from casino.game_control.manifest import ManifestInvalid, describe
from casino.kernel.errors import ConfigurationError

PACKAGE = Path(__file__).parent
MAX_MANIFEST_BYTES = 1 << 20
_PYC_HEADER = 16


def games_present(package: Path = PACKAGE) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """`id -> (kind, definition's file)` and `id -> version` of every definition that can be read.

    One that cannot is no game that could be played; its file shows as changed.
    """
    games, versions = {}, {}
    for file in sorted((package / "games").glob("*.json")):
        try:
            definition = parse_definition(file.read_bytes().decode(errors="replace"), file.name)
        except GameRefused:
            continue
        games[definition.game_id] = (definition.kind, file.name)
        versions[definition.game_id] = definition.version
    return games, versions


def digests(package: Path = PACKAGE) -> dict[str, str]:
    """SHA-256 of every code file and definition, by its path within the package."""
    files = [*package.rglob("*.py"), *(package / "games").glob("*.json")]
    return {
        file.relative_to(package).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)
    }


def signatures_present(package: Path = PACKAGE) -> dict[str, str]:
    """The signature of each component as it is on disk."""
    games, versions = games_present(package)
    components = describe(games, versions, digests(package), "").components
    return {name: component.signature for name, component in components.items()}


def altered_bytecode(package: Path = PACKAGE) -> frozenset[str]:
    """Code files whose cached compilation differs from their source.

    Python runs the cache when its stamp fits the source's time and size: a changed cache under an untouched source
    would decide outcomes unseen by any digest of sources.
    """
    altered = []
    for file in sorted(package.rglob("*.py")):
        cached = Path(importlib.util.cache_from_source(str(file)))
        if cached.exists() and not _compiles_to(file, cached):
            altered.append(file.relative_to(package).as_posix())
    return frozenset(altered)


def _compiles_to(source: Path, cached: Path) -> bool:
    compiled = cached.read_bytes()
    if not compiled.startswith(importlib.util.MAGIC_NUMBER):
        return True  # another Python's: this one does not run it
    code = compile(source.read_bytes(), str(source), "exec", dont_inherit=True)
    try:
        # Not executed: compared. A cache that was tampered with is refused whatever it holds.
        return bool(marshal.loads(compiled[_PYC_HEADER:]) == code)  # noqa: S302
    except (EOFError, TypeError, ValueError):
        return False


def read_manifest(path: Path) -> str:
    """The manifest's text. Raises ManifestInvalid when it cannot be read."""
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ManifestInvalid(f"the games' manifest at {path} is too large")
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"the games' manifest at {path} (CASINO_GAMES_MANIFEST) cannot be read") from error


def public_key_of(key: Ed25519PrivateKey) -> str:
    """The raw public key in base64: the value of CASINO_GAMES_MANIFEST_KEY."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """A private key from PEM without a passphrase. Raises ConfigurationError, never with the key's contents."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} holds no usable private key: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} holds a key of another kind than Ed25519")
    return key
