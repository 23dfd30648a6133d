"""The checks of a withdrawal as payments ask for them: facts fetched, and judged by checks.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from casino.kernel.db import Database
from casino.wallet.payments import checks
from casino.wallet.payments.checks import Past
from casino.wallet.payments.config import CheckSetting
from casino.wallet.payments.models import Payment
from casino.wallet.payments.ports import Check, Failure, Finding, Identities
from casino.wallet.payments.repository_history import HistoryRepository


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """Who asks, as player account management knows them."""

    identities: Identities
    name: str = "identity"
    on_failure: Failure = "review"

    async def judge(self, payment: Payment) -> tuple[Finding, ...]:
        return checks.identity(await self.identities.identity(payment.player_id))


@dataclass(frozen=True, slots=True)
class PastCheck:
    """One of the checks that judge by what the player did before."""

    name: str
    judged: Callable[[Past, CheckSetting], tuple[Finding, ...]]
    history: HistoryRepository
    setting: CheckSetting
    on_failure: Failure = "review"

    async def judge(self, payment: Payment) -> tuple[Finding, ...]:
        return self.judged(await self.history.past(payment, self.setting), self.setting)


def build_checks(database: Database, identities: Identities, setting: CheckSetting) -> tuple[Check, ...]:
    """All checks of a withdrawal; where one fails, a person looks."""
    history = HistoryRepository(database)
    return (
        IdentityCheck(identities),
        PastCheck("laundering", checks.laundering, history, setting),
        PastCheck("turnover", checks.turnover, history, setting),
        PastCheck("fraud", checks.fraud, history, setting),
    )
