"""Puts the parts of payments together."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta

from casino.compliance.api import Rules, RulesInForce
from casino.kernel.acknowledgement import Acknowledgement
from casino.kernel.clock import Clock
from casino.kernel.db import Database
from casino.kernel.settings import PspSecret, Settings
from casino.wallet.operation import OperationInForce
from casino.wallet.payments.acknowledged import ask_providers
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.adapters.registry import Adapters, build_adapters
from casino.wallet.payments.checking import build_checks
from casino.wallet.payments.config import PaymentSetting, setting_of
from casino.wallet.payments.flow import Flow, Owners
from casino.wallet.payments.inbox import Inbox
from casino.wallet.payments.ports import Check, Identities, Money
from casino.wallet.payments.repository import PaymentRepository
from casino.wallet.payments.repository_desk import DeskRepository
from casino.wallet.payments.repository_events import EventRepository
from casino.wallet.payments.service import Payments
from casino.wallet.payments.withdrawals import Withdrawals


def build_connections(settings: Settings, secrets: Mapping[str, PspSecret], clock: Clock) -> dict[str, Connection]:
    """A connection to each provider of the tenant; TLS is checked against CASINO_CA_FILE."""
    context = ssl.create_default_context(cafile=str(settings.ca_file)) if settings.ca_file else None
    return {
        psp.name: Connection(psp, secrets[psp.name], clock, timeout_s=settings.psp_timeout_s, context=context)
        for psp in settings.psp
    }


def build_payments(
    database: Database,
    connections: Mapping[str, Connection],
    settings: Settings,
    rules: RulesInForce,
    *,
    money: Money,
    clock: Clock,
    identities: Identities,
    owners: Owners | None = None,
    operation: OperationInForce | None = None,
) -> Payments:
    """Payments over the tenant's providers; whoever opened the connections closes them.

    Raises ConfigurationError for a malformed CASINO_PAYMENTS.
    """
    setting = setting_of(settings, rules.current.currency)
    return assemble(
        database, build_adapters(connections, rules.current.currency_exponent), setting, rules,
        money=money, clock=clock, checks=build_checks(database, identities, setting.checks), owners=owners,
        operation=operation,
    )  # fmt: skip


def assemble(
    database: Database,
    adapters: Adapters,
    setting: PaymentSetting,
    rules: RulesInForce,
    *,
    money: Money,
    clock: Clock,
    checks: Sequence[Check] = (),
    owners: Owners | None = None,
    operation: OperationInForce | None = None,
) -> Payments:
    """The same from parts that are there already. Without checks each withdrawal waits for a person."""
    flow = Flow(PaymentRepository(database), money, adapters, setting=setting, clock=clock, owners=owners)

    def window() -> timedelta:
        """As the rules say when it is asked: they may change while the casino runs."""
        return timedelta(seconds=rules.current.withdrawal_reversal_window_s or 0)

    inbox = Inbox(flow, EventRepository(database))
    currency = rules.current.currency
    withdrawals = Withdrawals(flow, checks, currency, window)
    return Payments(flow, inbox, withdrawals, currency, desk=DeskRepository(database), operation=operation)


async def ask_configured_providers(
    settings: Settings, secrets: Mapping[str, PspSecret], rules: Rules, clock: Clock
) -> dict[str, Acknowledgement]:
    """Which providers take our signed calls, over connections made for this. Raises ConfigurationError."""
    connections = build_connections(settings, secrets, clock)
    try:
        return await ask_providers(
            setting_of(settings, rules.currency), build_adapters(connections, rules.currency_exponent)
        )
    finally:
        for connection in connections.values():
            await connection.close()
