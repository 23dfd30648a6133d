"""A circuit breaker: who has failed often of late is left alone for a while, then tried with one call.

Pure: a state and a moment in, a state out. Where it is kept, and what counts as a failure, is its user's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`failures` in a row open it for `pause`; each failed trial after that doubles the pause up to `longest`."""

    failures: int = 5
    pause: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed while `opened_at` is None. Open until the pause is over; then one trial at a time is let through."""

    policy: BreakerPolicy = BreakerPolicy()
    failed: int = 0
    opened_at: datetime | None = None
    pause: timedelta = timedelta()
    trial_at: datetime | None = None

    def wait(self, now: datetime) -> timedelta:
        """How long until a call may be tried; zero when it may be now."""
        if self.opened_at is None:
            return timedelta()
        # A trial that nobody reported back on, since its process died, holds the others up for one pause.
        since = max(self.opened_at, self.trial_at) if self.trial_at is not None else self.opened_at
        return max(timedelta(), since + self.pause - now)

    def admitted(self, now: datetime) -> Breaker:
        """The state once a call was let through at a moment when `wait` was zero."""
        return self if self.opened_at is None else replace(self, trial_at=now)

    def succeeded(self) -> Breaker:
        """The state after an answer."""
        return Breaker(self.policy)

    def failure(self, now: datetime) -> Breaker:
        """The state after a call without an answer."""
        failed = self.failed + 1
        if self.opened_at is None and failed < self.policy.failures:
            return replace(self, failed=failed)
        if self.opened_at is not None and self.trial_at is None:
            return replace(self, failed=failed)  # a call from before it opened
        pause = min(self.pause * 2, self.policy.longest) if self.pause else self.policy.pause
        return replace(self, failed=failed, opened_at=now, pause=pause, trial_at=None)
