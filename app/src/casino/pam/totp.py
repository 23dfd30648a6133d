"""One-time passwords by time: RFC 6238 over RFC 4226, with SHA-1, six digits and steps of 30 s. Pure.

Those parameters are what every authenticator app does; the hash's collisions do not matter to an HMAC.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SKEW_STEPS = 1
"""A clock may be off by one step each way (RFC 6238, 5.2)."""
SECRET_BYTES = 20
"""As long as the hash (RFC 4226, 4 R6)."""


def new_secret() -> bytes:
    """160 random bits."""
    return os.urandom(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """The code of a step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, code: str, at: float, last_step: int) -> int | None:
    """The step that `code` is of, near `at` (Unix seconds) and after `last_step`; None when there is none.

    Who keeps the answer as the next `last_step` takes each code once, and none older than it (RFC 6238, 5.2).
    """
    now = int(at) // STEP_S
    found = None
    for step in range(now - SKEW_STEPS, now + SKEW_STEPS + 1):
        # All are compared: the time taken does not tell which.
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > last_step and found is None:
            found = step
    return found


def provisioning_uri(secret: bytes, account: str, issuer: str) -> str:
    """What an authenticator app reads from a QR code (otpauth)."""
    label = quote(f"{issuer}:{account}", safe="")
    query = urlencode({"secret": base32(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_S}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def base32(secret: bytes) -> str:
    """The secret as people type it."""
    return base64.b32encode(secret).decode().rstrip("=")


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter that looks like a digit


def new_recovery_codes(count: int = 10) -> list[str]:
    """Codes of 80 random bits in four groups of four."""
    codes = []
    for _ in range(count):
        bits = int.from_bytes(os.urandom(10), "big")
        text = "".join(_ALPHABET[bits >> (5 * place) & 31] for place in range(16))
        codes.append("-".join(text[at : at + 4] for at in range(0, 16, 4)))
    return codes


def recovery_hash(code: str) -> bytes:
    """SHA-256 of a code, however it was typed. Enough for 80 random bits: there is nothing to guess by a dictionary."""
    typed = code.lower().translate(str.maketrans("ilo", "110", " -"))
    return hashlib.sha256(typed.encode()).digest()
