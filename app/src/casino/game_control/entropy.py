"""Where seeds come from: the operating system, a tenant's HSM, or both. Each is under its own health tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from casino.game_control.drbg import RngFailure
from casino.game_control.health import STARTUP_SAMPLES, HealthTests
from casino.kernel.errors import ConfigurationError

OS_MIN_ENTROPY = 6.0
"""Assumed of a byte of the operating system's generator, whose output is full entropy: two bits of caution."""
HSM_MIN_ENTROPY = 6.0
MAX_HSM_BYTES = 1024


class Entropy(Protocol):
    """A source of seeds."""

    def start_up(self) -> None:
        """The start-up test: its samples are never used. Raises RngFailure."""
        ...

    def read(self, size: int) -> bytes:
        """At least `size` bytes, `size` from each source behind. Raises RngFailure."""
        ...


class EntropySource:
    """One reader of bytes under the repetition count and adaptive proportion tests."""

    def __init__(
        self,
        read: Callable[[int], bytes] = os.urandom,
        name: str = "of the operating system",
        min_entropy: float = OS_MIN_ENTROPY,
    ) -> None:
        self._read = read
        self.name = name
        self._tests = HealthTests(min_entropy, name)

    def start_up(self) -> None:
        self.read(STARTUP_SAMPLES)

    def read(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) != size:
            raise RngFailure(f"The entropy source {self.name} gave less than asked for.")
        self._tests.feed(data)
        return data


class MixedEntropy:
    """Several sources: a seed is the reads of all, one after the other, so that the best of them is enough.

    HMAC_DRBG conditions its input, so nothing is lost by putting reads beside each other, and a source that is known
    to an attacker takes nothing away from another. A source that fails its tests stops play all the same.
    """

    def __init__(self, sources: Sequence[Entropy]) -> None:
        self.sources = tuple(sources)

    def start_up(self) -> None:
        for source in self.sources:
            source.start_up()

    def read(self, size: int) -> bytes:
        return b"".join(source.read(size) for source in self.sources)


class HsmSetting(BaseModel):
    """Which PKCS#11 module and token; the PIN is that of a user who may do nothing but C_GenerateRandom."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    module: str
    token_label: str
    pin: SecretStr | None = Field(default=None)


class HsmReader:
    """Bytes from C_GenerateRandom of a PKCS#11 token. It opens its session when first read, and again after a fork.

    Needs the extra `hsm` (python-pkcs11). Raises ConfigurationError when the library or the token is not there, and
    RngFailure when an open token does not answer.
    """

    def __init__(self, setting: HsmSetting) -> None:
        self._setting = setting
        self._session: Any = None
        self._pid = 0

    def __call__(self, size: int) -> bytes:
        if self._pid != os.getpid():
            self._session = self._open()
            self._pid = os.getpid()
        import pkcs11

        parts = []
        try:
            for start in range(0, size, MAX_HSM_BYTES):
                parts.append(self._session.generate_random(8 * min(MAX_HSM_BYTES, size - start)))
        except pkcs11.PKCS11Error as error:
            raise RngFailure(f"The HSM does not give random bytes: {type(error).__name__}.") from error
        return b"".join(parts)

    def _open(self) -> Any:
        try:
            import pkcs11
        except ImportError as error:
            raise ConfigurationError("an HSM is set but python-pkcs11 is not installed: the extra `hsm`") from error
        pin = self._setting.pin.get_secret_value() if self._setting.pin is not None else None
        try:
            library = pkcs11.lib(self._setting.module)
            if self._pid:
                # PKCS#11: a child of a fork must initialize the library again.
                library.reinitialize()
            token = library.get_token(token_label=self._setting.token_label)
            try:
                return token.open(user_pin=pin)
            except pkcs11.UserAlreadyLoggedIn:
                return token.open()  # a log-in holds for every session of the process
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            raise ConfigurationError(
                f"the HSM's token {self._setting.token_label!r} cannot be opened by {self._setting.module}: "
                f"{type(error).__name__}"
            ) from error


def build_entropy(hsm: HsmSetting | None = None) -> Entropy:
    """The operating system's entropy, mixed with the HSM's where the tenant has one."""
    system = EntropySource()
    if hsm is None:
        return system
    return MixedEntropy([system, EntropySource(HsmReader(hsm), "of the HSM", HSM_MIN_ENTROPY)])
