"""OpenBao through hvac, logged in with the operator's own service-account token."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import hvac
import urllib3

from domicile_operator.clients.bao_session import BaoSession
from domicile_operator.clients.breaker import Breaker
from domicile_operator.errors import Fault
from domicile_operator.gate import OPEN, Gate
from domicile_operator.names import OPERATOR_ROLE

TIMEOUT = 5
"""Seconds for one call."""


class Bao(Protocol):
    """What the operator asks of OpenBao. Every verb raises Fault."""

    def ensure(self, path: str, data: dict[str, Any]) -> bool:
        """Write `data` unless what is there says the same. True when something was written."""

    def read(self, path: str) -> dict[str, Any] | None:
        """What is there, or None."""

    def write(self, path: str, data: dict[str, Any]) -> None:
        """Write, whatever is there."""

    def remove(self, path: str) -> None:
        """Delete; what is gone already is fine."""

    def revoke_leases(self, prefix: str) -> bool:
        """Revoke all leases under a path. False where the operator's policy does not allow it."""

    def login(self, role: str) -> tuple[str, str, float]:
        """A fresh database login: user, password, and for how many seconds it is good."""


class OpenBaoClient:
    """`Bao` over HTTPS. Safe for use from several threads.

    Takes the address, the CA file, and the file with the projected token of audience `openbao`.
    """

    def __init__(
        self, address: str, ca_file: Path, token_file: Path, role: str = OPERATOR_ROLE, gate: Gate = OPEN
    ) -> None:
        self._address, self._ca_file, self._token_file, self._role = address, ca_file, token_file, role
        self._gate = gate
        self._lock = threading.Lock()
        self._breaker = Breaker()
        self._client: hvac.Client | None = None
        self._renew_at = 0.0
        self._session: BaoSession | None = None

    def ensure(self, path: str, data: dict[str, Any]) -> bool:
        try:
            found = self._call(lambda client: client.read(path))
        except Fault as fault:
            if fault.code != "OPENBAO_FORBIDDEN":
                raise
            found = None  # may write but not read: then write
        if found and says(found["data"], data):
            return False
        self._call(lambda client: client.write_data(path, data=data))
        return True

    def read(self, path: str) -> dict[str, Any] | None:
        found = self._call(lambda client: client.read(path))
        data: dict[str, Any] | None = found["data"] if found else None
        return data

    def write(self, path: str, data: dict[str, Any]) -> None:
        self._call(lambda client: client.write_data(path, data=data))

    def ask(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        """Write, and give the data of the answer. Raises Fault."""
        answer = self._call(lambda client: client.write_data(path, data=data))
        given: dict[str, Any] = answer["data"]
        return given

    def remove(self, path: str) -> None:
        self._call(lambda client: client.delete(path))

    def revoke_leases(self, prefix: str) -> bool:
        try:
            self._call(lambda client: client.sys.revoke_prefix(prefix))
        except Fault as fault:
            if fault.code == "OPENBAO_FORBIDDEN":
                return False
            raise
        return True

    def login(self, role: str) -> tuple[str, str, float]:
        found = self._call(lambda client: client.read(f"database/creds/{role}"))
        if not found:
            raise Fault(
                "OPENBAO_NO_SUCH_ROLE",
                f"OpenBao has no database role {role}. Build the cell again: that writes it.",
            )
        return found["data"]["username"], found["data"]["password"], float(found["lease_duration"])

    def log_out(self) -> None:
        """Give the token back, and with it every login that was made under it."""
        self._call(lambda client: client.auth.token.revoke_self())

    def _call(self, use: Callable[[hvac.Client], Any]) -> Any:
        self._breaker.check()
        try:
            try:
                return self._use(use, self._logged_in())
            except hvac.exceptions.Forbidden:
                # The token may have been revoked or its policy changed under us: once more with a new one.
                return self._use(use, self._logged_in(fresh=True))
        except hvac.exceptions.Forbidden as error:
            raise Fault(
                "OPENBAO_FORBIDDEN",
                f"OpenBao refuses {self._role}: {_line(error)}. Check the JWT role and policy {self._role}.",
            ) from error
        except hvac.exceptions.VaultDown as error:
            raise Fault("OPENBAO_SEALED", f"OpenBao at {self._address} is sealed. Unseal it.") from error
        except hvac.exceptions.VaultError as error:
            raise Fault("OPENBAO_REFUSED", f"OpenBao at {self._address} refused: {_line(error)}.") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._breaker.trip(
                Fault(
                    "OPENBAO_UNREACHABLE",
                    f"OpenBao at {self._address} does not answer: {_line(error)}. "
                    "Check that it runs and that the cell's network lets the operator reach it.",
                )
            ) from error

    def _use(self, use: Callable[[hvac.Client], Any], client: hvac.Client) -> Any:
        # Reads as well: whoever leads no more has nothing to learn here.
        self._gate.write()
        return use(client)

    def _logged_in(self, fresh: bool = False) -> hvac.Client:
        with self._lock:
            self._breaker.check()
            if self._client is None or fresh or time.monotonic() >= self._renew_at:
                # Read anew with each login: the CA may be another by then.
                self._session = BaoSession(str(self._ca_file))
                client = hvac.Client(url=self._address, session=self._session, timeout=TIMEOUT)
                answer = client.auth.jwt.jwt_login(role=self._role, jwt=self._token_file.read_text().strip())
                # Two thirds of its life: a pass that starts with this token ends with it.
                self._renew_at = time.monotonic() + answer["auth"]["lease_duration"] * 2 / 3
                self._client = client
            return self._client


def says(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether OpenBao's answer carries everything wanted; it adds defaults of its own."""
    return all(found.get(key) == value for key, value in wanted.items())


def _line(error: Exception) -> str:
    """The error in one line: it becomes a condition's message."""
    return " ".join(str(error).split())
