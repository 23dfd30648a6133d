"""Software verification as it runs: at start, every 24 hours, and on demand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from casino.game_control.manifest import (
    ManifestInvalid,
    Verification,
    everything_disabled,
    open_envelope,
    verify,
)
from casino.game_control.manifest_files import PACKAGE, altered_bytecode, digests, games_present, read_manifest
from casino.game_control.settings import GameControlSettings
from casino.kernel.clock import Clock
from casino.kernel.errors import ConfigurationError

log = logging.getLogger(__name__)

EVERY = timedelta(hours=24)


class SoftwareVerification:
    """Verifies this package against the signed manifest and tells `on_result` what may no longer be played.

    The worker calls `run_if_due()` as often as it likes. A manifest that has become unreadable or whose signature does
    not hold disables everything: what vouches for nothing lets nothing be played.
    """

    def __init__(
        self,
        manifest: Path,
        public_key: str,
        clock: Clock,
        on_result: Callable[[Verification], object] = lambda verification: None,
        package: Path = PACKAGE,
    ) -> None:
        self._manifest, self._public_key = manifest, public_key
        self._clock, self._on_result, self._package = clock, on_result, package
        self.last: Verification | None = None
        self.last_at: datetime | None = None

    def run(self) -> Verification:
        """Verify now. Logs each fault; the caller stores the result as a significant event."""
        games, _ = games_present(self._package)
        try:
            manifest = open_envelope(read_manifest(self._manifest), self._public_key)
        except ManifestInvalid as refused:
            log.error("software verification failed", extra={"reason": str(refused)})
            result = everything_disabled(games)
        else:
            result = verify(manifest, games, digests(self._package), altered_bytecode(self._package))
        for fault in result.faults:
            log.error(
                "software verification fault",
                extra={"component": fault.component, "path": fault.path, "fault": fault.kind},
            )
        self.last, self.last_at = result, self._clock.now()
        self._on_result(result)
        return result

    def due(self) -> bool:
        """Whether 24 hours have passed, or the clock was set back behind the last run."""
        return self.last_at is None or not timedelta(0) <= self._clock.now() - self.last_at < EVERY

    def run_if_due(self) -> Verification | None:
        return self.run() if self.due() else None


def build_verification(
    settings: GameControlSettings,
    clock: Clock,
    on_result: Callable[[Verification], object] = lambda verification: None,
) -> SoftwareVerification | None:
    """The verification that the settings ask for; None when they ask for none.

    Raises ConfigurationError when only one of the manifest and its key is set.
    """
    if settings.manifest is None and settings.manifest_key is None:
        return None
    if settings.manifest is None or settings.manifest_key is None:
        raise ConfigurationError("software verification needs CASINO_GAMES_MANIFEST and CASINO_GAMES_MANIFEST_KEY")
    return SoftwareVerification(settings.manifest, settings.manifest_key, clock, on_result)
