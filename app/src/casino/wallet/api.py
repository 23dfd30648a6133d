"""The door of the wallet."""

import ssl

from casino.kernel.clock import Clock
from casino.kernel.db import Database
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import PspSecret, Settings
from casino.wallet.deposits import Deposits
from casino.wallet.endpoints import router
from casino.wallet.ledger import Hold, Ledger, Posted, Request, Settlement
from casino.wallet.models import DepositRequest, Round, RoundRequest
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.build import build_connections, build_payments
from casino.wallet.payments.commands import add_commands as add_payment_commands
from casino.wallet.payments.endpoints import router as payments_router
from casino.wallet.payments.money import LedgerMoney
from casino.wallet.payments.service import Payments
from casino.wallet.play import BetUnknown, Play, Played, PlayMove
from casino.wallet.psp import PspClient
from casino.wallet.repository import WalletRepository, months_ahead
from casino.wallet.repository_opening import LedgerOpeningBalances
from casino.wallet.repository_play import PlayRepository, Standing
from casino.wallet.service import AccountNotOpen, InsufficientFunds, PlayBarred, StakeAboveLimit, Wallet
from casino.wallet.verify import Report, verify_ledger

__all__ = [
    "AccountNotOpen",
    "BetUnknown",
    "Connection",
    "DepositRequest",
    "Deposits",
    "Hold",
    "InsufficientFunds",
    "Ledger",
    "LedgerMoney",
    "LedgerOpeningBalances",
    "Payments",
    "Play",
    "PlayBarred",
    "PlayMove",
    "Played",
    "Posted",
    "PspClient",
    "Report",
    "Request",
    "Round",
    "RoundRequest",
    "Settlement",
    "StakeAboveLimit",
    "Standing",
    "Wallet",
    "add_payment_commands",
    "build",
    "build_connections",
    "build_payments",
    "build_play",
    "build_psp_clients",
    "months_ahead",
    "payments_router",
    "router",
    "verify_ledger",
]


def build_psp_clients(settings: Settings, secrets: dict[str, PspSecret], clock: Clock) -> list[PspClient]:
    """A client for each provider of the tenant; TLS is checked against CASINO_CA_FILE."""
    context = ssl.create_default_context(cafile=str(settings.ca_file)) if settings.ca_file else None
    return [
        PspClient(psp, secrets[psp.name], clock, timeout_s=settings.psp_timeout_s, context=context)
        for psp in settings.psp
    ]


async def build(
    database: Database, clients: list[PspClient], currency: str, currency_exponent: int
) -> tuple[Wallet, Deposits]:
    """Wire the module and make sure that the ledger knows the currency.

    Raises ConfigurationError when the ledger is in other currencies alone: rules that change the casino's currency are
    refused at a start as they are while it runs.
    """
    repository = WalletRepository(database)
    known = await repository.currencies()
    if known and currency not in known:
        raise ConfigurationError(f"the ledger is in {', '.join(sorted(known))}, and the rules say {currency}")
    await repository.add_currency(currency, currency_exponent)
    return Wallet(repository, currency, currency_exponent), Deposits(repository, clients)


def build_play(database: Database, currency: str, currency_exponent: int) -> Play:
    """Play that spans calls, for external studios."""
    return Play(Ledger(database), PlayRepository(database), currency, currency_exponent)
