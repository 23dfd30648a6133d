"""HMAC_DRBG with SHA-256 (NIST SP 800-90A rev. 1, section 10.1.2).

Written out because no library of ours offers one; the known-answer test at start is NIST's own vectors.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from casino.kernel.errors import CasinoError

RESEED_INTERVAL = 10_000
"""Requests between reseeds. The standard allows 2**48; reseeding often costs nothing here."""
RESEED_SECONDS = 300.0
"""And seconds, for a casino at which nobody plays: a state that was read from memory is soon worth nothing."""
MAX_REQUEST_BYTES = 1 << 16


class RngFailure(CasinoError):
    """A health test failed. Play stops: no outcome may come from this generator until the process starts anew."""

    status, code = 503, "RNG_FAILED"
    rule = "the random number generator passes its health tests"
    remedy = "Play is stopped. An operator must look at the entropy source and restart the process."


class HmacDrbg:
    """The mechanism alone: instantiate with entropy, nonce and personalisation, then generate and reseed."""

    def __init__(self, entropy: bytes, nonce: bytes, personalisation: bytes = b"") -> None:
        self._key, self._value = b"\x00" * 32, b"\x01" * 32
        self._update(entropy + nonce + personalisation)
        self.requests = 1

    def reseed(self, entropy: bytes) -> None:
        self._update(entropy)
        self.requests = 1

    def generate(self, size: int) -> bytes:
        """`size` bytes; earlier output cannot be computed from the state that remains."""
        if not 0 < size <= MAX_REQUEST_BYTES:
            raise ValueError(f"a request is for 1 to {MAX_REQUEST_BYTES} bytes, not {size}")
        output = b""
        while len(output) < size:
            self._value = hmac.digest(self._key, self._value, "sha256")
            output += self._value
        self._update(b"")
        self.requests += 1
        return output[:size]

    def _update(self, data: bytes) -> None:
        self._key = hmac.digest(self._key, self._value + b"\x00" + data, "sha256")
        self._value = hmac.digest(self._key, self._value, "sha256")
        if data:
            self._key = hmac.digest(self._key, self._value + b"\x01" + data, "sha256")
            self._value = hmac.digest(self._key, self._value, "sha256")


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """A vector of NIST's CAVP for HMAC_DRBG with SHA-256: the second of two requests is compared."""

    entropy: str
    nonce: str
    reseed: str | None
    returned: str


KNOWN_ANSWERS = (
    # drbgvectors_no_reseed, [SHA-256], no personalisation, no additional input, count 0
    KnownAnswer(
        "ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd14b71a7488",
        "659ba96c601dc69fc902940805ec0ca8",
        None,
        "e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b89"
        "d54fbb978a15b5c443c9ec21036d2460b6f73ebad0dc2aba6e624abf07745bc1"
        "07694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5ccde0668"
        "961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f48be9dcb8",
    ),
    # drbgvectors_pr_false, [SHA-256], no personalisation, no additional input, count 0
    KnownAnswer(
        "06032cd5eed33f39265f49ecb142c511da9aff2af71203bffaf34a9ca5bd9c0d",
        "0e66f71edc43e42a45ad3c6fc6cdc4df",
        "01920a4e669ed3a85ae8a33b35a74ad7fb2a6bb4cf395ce00334a9c9a5a5d552",
        "76fc79fe9b50beccc991a11b5635783a83536add03c157fb30645e611c2898bb"
        "2b1bc215000209208cd506cb28da2a51bdb03826aaf2bd2335d576d519160842"
        "e7158ad0949d1a9ec3e66ea1b1a064b005de914eac2e9d4f2d72a8616a802254"
        "22918250ff66a41bd2f864a6a38cc5b6499dc43f7f2bd09e1e0f8f5885935124",
    ),
)


def known_answer_test(answers: Iterable[KnownAnswer] = KNOWN_ANSWERS) -> None:
    """Instantiate, reseed where the vector does, and generate. Raises RngFailure when an answer differs."""
    for answer in answers:
        drbg = HmacDrbg(bytes.fromhex(answer.entropy), bytes.fromhex(answer.nonce))
        if answer.reseed is not None:
            drbg.reseed(bytes.fromhex(answer.reseed))
        expected = bytes.fromhex(answer.returned)
        drbg.generate(len(expected))
        if drbg.generate(len(expected)) != expected:
            raise RngFailure("the generator does not reproduce NIST's known answers")
