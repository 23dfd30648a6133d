"""Verifies OpenSSH signatures: what `ssh-keygen -Y sign` writes (OpenSSH's PROTOCOL.sshsig).

Officers sign with keys that they have, in hardware or not, and with a tool that is everywhere. Keys are Ed25519 or
ECDSA on P-256, and both also in a FIDO token (OpenSSH's PROTOCOL.u2f), which must have been touched; the
cryptography is the `cryptography` package's.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

MAGIC = b"SSHSIG"
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
MAX_BYTES = 16 * 1024
_HASHES: dict[bytes, Callable[[bytes], bytes]] = {
    b"sha256": lambda message: hashlib.sha256(message).digest(),
    b"sha512": lambda message: hashlib.sha512(message).digest(),
}
# Each kind of key, and for those of FIDO tokens how many fields of the key stand before its application.
_KINDS: dict[bytes, int | None] = {
    b"ssh-ed25519": None,
    b"ecdsa-sha2-nistp256": None,
    b"sk-ssh-ed25519@openssh.com": 2,
    b"sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
_TOUCHED = 0x01
Key = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey


class SignatureError(ValueError):
    """A signature that does not hold, or cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key in OpenSSH's form. `application` is what a FIDO token keeps the key for; None of other keys."""

    blob: bytes
    key: Key
    application: bytes | None = None

    @property
    def kind(self) -> bytes:
        """The name of its kind, as its signatures bear it."""
        return _Reader(self.blob).text()

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: SHA256:..."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


def public_key(line: str) -> PublicKey:
    """The key of a line such as `ssh-ed25519 AAAA... comment`. Raises SignatureError."""
    words = line.split()
    if len(words) < 2:
        raise SignatureError("is no public key: write it as `ssh-ed25519 AAAA...`")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except ValueError:  # binascii.Error among them
        raise SignatureError("is no public key: its second word is not base64") from None
    return _key(words[0].encode(), blob)


def verify(armored: str, message: bytes, namespace: str) -> PublicKey:
    """The key that signed the message in that namespace. Raises SignatureError where none did.

    Who may sign is for the caller to say: a signature of a stranger verifies too.
    """
    reader = _Reader(_unarmoured(armored))
    if reader.take(len(MAGIC)) != MAGIC:
        raise SignatureError("is no SSH signature")
    if reader.number() != 1:
        raise SignatureError("has a version that is not 1")
    blob, found, reserved, algorithm, signature = (reader.text() for _ in range(5))
    reader.end()
    if found != namespace.encode():
        shown = found.decode("ascii", "replace")
        raise SignatureError(f"was made for {shown!r} and not for {namespace!r}: sign with `-n {namespace}`")
    if algorithm not in _HASHES:
        raise SignatureError("uses a hash that is neither sha256 nor sha512")
    signer = _key(_Reader(blob).text(), blob)
    signed = MAGIC + b"".join(map(_text, (found, reserved, algorithm, _HASHES[algorithm](message))))
    _check(signer, signature, signed)
    return signer


def _unarmoured(armored: str) -> bytes:
    if len(armored) > MAX_BYTES:
        raise SignatureError(f"is longer than {MAX_BYTES} bytes")
    lines = [line.strip() for line in armored.strip().splitlines()]
    if len(lines) < 3 or lines[0] != BEGIN or lines[-1] != END:
        raise SignatureError("is no SSH signature: make one with `ssh-keygen -Y sign`")
    try:
        return base64.b64decode("".join(lines[1:-1]), validate=True)
    except ValueError:
        raise SignatureError("is no SSH signature: it is not base64") from None


def _key(kind: bytes, blob: bytes) -> PublicKey:
    try:
        key = load_ssh_public_key(kind + b" " + base64.b64encode(blob))
    except (ValueError, NotImplementedError, UnsupportedAlgorithm):
        raise SignatureError("has a key that cannot be read") from None
    if kind in _KINDS and isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey):
        return PublicKey(blob, key, _application(_KINDS[kind], blob))
    raise SignatureError("has a key that is neither Ed25519 nor ECDSA on P-256")


def _application(after: int | None, blob: bytes) -> bytes | None:
    if after is None:
        return None
    reader = _Reader(blob)
    for _ in range(after):
        reader.text()
    return reader.text()


def _check(signer: PublicKey, signature: bytes, signed: bytes) -> None:
    reader = _Reader(signature)
    kind, raw = reader.text(), reader.text()
    if kind != signer.kind:
        raise SignatureError("names another kind of key than it was made with")
    if signer.application is not None:
        flags, counter = reader.take(1), reader.take(4)
        if not flags[0] & _TOUCHED:
            raise SignatureError("was made by a token that nobody touched: sign without `no-touch-required`")
        about, message = (hashlib.sha256(one).digest() for one in (signer.application, signed))
        signed = about + flags + counter + message
    reader.end()
    try:
        if isinstance(signer.key, ed25519.Ed25519PublicKey):
            signer.key.verify(raw, signed)
        else:
            numbers = _Reader(raw)
            r, s = (int.from_bytes(numbers.text(), "big") for _ in range(2))
            numbers.end()
            signer.key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise SignatureError("does not hold: the file was changed after it was signed, or never was") from None


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


class _Reader:
    """Reads SSH's wire format and nothing beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, size: int) -> bytes:
        if size > len(self._data):
            raise SignatureError("ends too early")
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def text(self) -> bytes:
        return self.take(self.number())

    def end(self) -> None:
        if self._data:
            raise SignatureError("has more in it than a signature")
