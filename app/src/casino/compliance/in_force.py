"""The rules in force: read at start, watched, and changed without a restart, whole or not at all.

A file that cannot be used changes nothing: the casino plays on under the rules it has, and says so in its log, its
metrics and its readiness.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from casino.compliance.models import Rules
from casino.compliance.service import parse_rules
from casino.kernel.errors import ConfigurationError
from casino.kernel.metrics import RULES_CHANGES, RULES_IN_FORCE, RULES_REFUSED

log = logging.getLogger(__name__)

FIXED = ("jurisdiction", "currency", "currency_exponent", "timezone")
"""What no change touches: money in the ledger and days in the records have been counted by them."""
Prepare = Callable[[Rules], Awaitable[Callable[[], None]]]


class RulesInForce:
    """Holds the rules. Whoever acts by them asks `current` each time, and keeps no copy."""

    def __init__(self, rules: Rules, *, digest: str = "", path: Path | None = None) -> None:
        self.current = rules
        self.digest = digest
        self.fault: str | None = None
        """Why the file in place is not in force; None while it is."""
        self._path = path
        self._refused_digest: str | None = None
        self._preparing: list[Prepare] = []
        RULES_IN_FORCE.clear()
        RULES_IN_FORCE.labels(digest, rules.catalogue_version).set(1)
        RULES_REFUSED.set(0)

    @classmethod
    def read(cls, path: Path) -> RulesInForce:
        """From the file. Raises ConfigurationError that names every fault: no casino opens on half a rule book."""
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"cannot read the rules at {path} (CASINO_RULES): {error.strerror}") from error
        return cls(_parse(text, str(path)), digest=_digest(text), path=path)

    def before_change(self, prepare: Prepare) -> None:
        """Call `prepare` with rules that are about to come into force; what it answers is called as they do.

        When it raises, the change is refused. It may take its time: the old rules hold meanwhile.
        """
        self._preparing.append(prepare)

    async def watch(self, interval_s: float) -> None:
        """Look at the file for ever. By its content: a ConfigMap's file is a link that is swapped."""
        while self._path is not None:
            await asyncio.sleep(interval_s)
            try:
                await self.look()
            except Exception:
                log.exception("the rules could not be looked at; the old ones stay in force")

    async def look(self) -> bool:
        """Bring the file into force if it changed; true when it did."""
        assert self._path is not None
        try:
            text = await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            self._refuse("unreadable", f"the rules at {self._path} cannot be read: {error.strerror}")
            return False
        found = _digest(text)
        if found == self.digest:
            self._accept_silence()
            return False
        if found == self._refused_digest:
            return False  # it was told of already
        try:
            rules = _parse(text, str(self._path))
            self._require_fixed(rules)
            commits = [await prepare(rules) for prepare in self._preparing]
        except Exception as error:
            reason = str(error) if isinstance(error, ConfigurationError) else f"{type(error).__name__} while preparing"
            self._refuse(found, reason)
            return False
        self._change(rules, found, commits)
        return True

    def _require_fixed(self, rules: Rules) -> None:
        changed = [name for name in FIXED if getattr(rules, name) != getattr(self.current, name)]
        if changed:
            raise ConfigurationError(f"{', '.join(changed)} cannot change while a casino has records")

    def _change(self, rules: Rules, digest: str, commits: list[Callable[[], None]]) -> None:
        # Without an await from here on: nobody sees the new rules with the old games.
        before, self.current = self.current, rules
        for commit in commits:
            commit()
        changed = [name for name in Rules.model_fields if getattr(before, name) != getattr(rules, name)]
        log.info(
            "rules changed",
            extra={"digest_before": self.digest, "digest": digest, "changed": [n for n in changed if n != "sources"]},
        )
        self.digest = digest
        RULES_CHANGES.labels("accepted").inc()
        RULES_IN_FORCE.clear()
        RULES_IN_FORCE.labels(digest, rules.catalogue_version).set(1)
        self._accept_silence()

    def _refuse(self, digest: str, reason: str) -> None:
        if digest != self._refused_digest:
            log.error(
                "rules refused; the old ones stay in force",
                extra={"digest_in_force": self.digest, "digest_refused": digest, "reason": reason},
            )
            RULES_CHANGES.labels("refused").inc()
        self.fault, self._refused_digest = reason, digest
        RULES_REFUSED.set(1)

    def _accept_silence(self) -> None:
        """The file in place is the one in force."""
        self.fault = self._refused_digest = None
        RULES_REFUSED.set(0)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _parse(text: bytes, origin: str) -> Rules:
    try:
        return parse_rules(text.decode(), origin)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the rules at {origin} are not UTF-8") from error
