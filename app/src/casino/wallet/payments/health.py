"""How each provider does by method: a success rate, and a circuit breaker. Pure: values in, values out.

The rate counts what a provider's answers came to, an issuer's refusal included. The breaker counts only what is the
provider's own fault (no answer, a technical decline), so that a run of empty cards closes no road.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from casino.wallet.payments.models import Method

PPM = 1_000_000
ALPHA_PPM = 100_000
"""The weight of the newest result: about the last twenty decide."""
FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=30)
OPEN_AT_MOST = timedelta(minutes=10)
PROBE_LASTS = timedelta(seconds=60)
"""A probe that has not reported by then is counted as lost, and another one is let through."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed: calls pass. Open: none until `until`. Half-open: one probe at a time; it closes or opens again."""

    state: Literal["closed", "open", "half_open"] = "closed"
    failures: int = 0
    opened: int = 0
    until: datetime | None = None

    def admits(self, now: datetime) -> bool:
        return self.state == "closed" or (self.until is not None and now >= self.until)

    def begin(self, now: datetime) -> Breaker:
        """A call that was admitted begins: when the breaker was not closed, it is the probe."""
        return self if self.state == "closed" else replace(self, state="half_open", until=now + PROBE_LASTS)

    def succeeded(self) -> Breaker:
        return Breaker()

    def failed(self, now: datetime) -> Breaker:
        """Count a fault. A probe that fails doubles the time that the breaker stays open, to a limit."""
        failures = self.failures + 1
        if self.state == "closed" and failures < FAILURES_TO_OPEN:
            return replace(self, failures=failures)
        if self.state == "open":  # an answer to a call from before it opened
            return replace(self, failures=failures)
        pause = min(OPEN_FOR * 2 ** min(self.opened, 16), OPEN_AT_MOST)
        return Breaker("open", failures, self.opened + 1, now + pause)


@dataclass(frozen=True, slots=True)
class Score:
    """`rate_ppm`: successes in a million, exponentially weighted. A provider begins as one that always succeeds."""

    rate_ppm: int = PPM
    breaker: Breaker = Breaker()


Result = Literal["success", "declined", "fault"]


@dataclass(frozen=True, slots=True)
class Health:
    """The scores of all providers by method; each change makes a new value."""

    scores: Mapping[tuple[str, Method], Score] = field(default_factory=dict)

    def score(self, provider: str, method: Method) -> Score:
        return self.scores.get((provider, method), Score())

    def began(self, provider: str, method: Method, now: datetime) -> Health:
        score = self.score(provider, method)
        return self._with(provider, method, replace(score, breaker=score.breaker.begin(now)))

    def heard(self, provider: str, method: Method, result: Result, now: datetime) -> Health:
        """The health after a result of one call."""
        score = self.score(provider, method)
        target = PPM if result == "success" else 0
        rate = score.rate_ppm + (target - score.rate_ppm) * ALPHA_PPM // PPM
        breaker = score.breaker.failed(now) if result == "fault" else score.breaker.succeeded()
        return self._with(provider, method, Score(rate, breaker))

    def _with(self, provider: str, method: Method, score: Score) -> Health:
        return Health({**self.scores, (provider, method): score})
