"""The door of the wallet."""

from casino.kernel.clock import Clock
from casino.kernel.db import Database
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings
from casino.wallet.endpoints import router
from casino.wallet.guard import DepositGuard
from casino.wallet.jackpots import JackpotLedger, reconcile_jackpots
from casino.wallet.ledger import Hold, Ledger, Posted, Request, Settlement
from casino.wallet.limits import DepositBarred, DepositLimitReached
from casino.wallet.models import DepositRequest, History, HistoryEntry, Round, RoundRequest
from casino.wallet.operation import OperationInForce
from casino.wallet.payments.adapters.base import TravelRule
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.build import ask_configured_providers, build_connections, build_payments
from casino.wallet.payments.commands import add_commands as add_payment_commands
from casino.wallet.payments.endpoints import router as payments_router
from casino.wallet.payments.models import Instrument, Payment
from casino.wallet.payments.money import LedgerMoney
from casino.wallet.payments.pan import require_no_pan
from casino.wallet.payments.ports import Identity
from casino.wallet.payments.repository_desk import OpenBreak
from casino.wallet.payments.repository_desk import Waiting as PaymentWaiting
from casino.wallet.payments.service import Payments
from casino.wallet.play import BetUnknown, Play, Played, PlayMove
from casino.wallet.repository import WalletRepository, months_ahead
from casino.wallet.repository_figures import Figures, figures
from casino.wallet.repository_limits import MergeBlocked, PlayerLimits, Renewed
from casino.wallet.repository_opening import LedgerOpeningBalances
from casino.wallet.repository_operation import OperationRepository, Recorded
from casino.wallet.repository_play import PlayRepository, Standing
from casino.wallet.repository_rounds import RoundRepository
from casino.wallet.repository_seals import anything_held, months_gone
from casino.wallet.round_values import GameRound, PlayedRound, RoundStep, StepRequest
from casino.wallet.rounds import (
    GameRounds,
    GameRoundUnknown,
    RoundMovedOn,
    RoundOpen,
    RoundOver,
    RoundTooLate,
    StepTaken,
)
from casino.wallet.sealing import seal_due
from casino.wallet.service import (
    AccountNotOpen,
    InsufficientFunds,
    PlayBarred,
    PlayLimitReached,
    StakeAboveLimit,
    Wallet,
)
from casino.wallet.standing import Standings
from casino.wallet.verify import Report, verify_ledger

__all__ = [
    "AccountNotOpen",
    "BetUnknown",
    "Connection",
    "DepositBarred",
    "DepositGuard",
    "DepositLimitReached",
    "DepositRequest",
    "Figures",
    "GameRound",
    "GameRoundUnknown",
    "GameRounds",
    "History",
    "HistoryEntry",
    "Hold",
    "Identity",
    "Instrument",
    "InsufficientFunds",
    "JackpotLedger",
    "Ledger",
    "LedgerMoney",
    "LedgerOpeningBalances",
    "MergeBlocked",
    "OpenBreak",
    "OperationInForce",
    "Payment",
    "PaymentWaiting",
    "Payments",
    "Play",
    "PlayBarred",
    "PlayLimitReached",
    "PlayMove",
    "Played",
    "PlayedRound",
    "PlayerLimits",
    "Posted",
    "Recorded",
    "Renewed",
    "Report",
    "Request",
    "Round",
    "RoundMovedOn",
    "RoundOpen",
    "RoundOver",
    "RoundRequest",
    "RoundStep",
    "RoundTooLate",
    "Settlement",
    "StakeAboveLimit",
    "Standing",
    "Standings",
    "StepRequest",
    "StepTaken",
    "TravelRule",
    "Wallet",
    "add_payment_commands",
    "anything_held",
    "ask_configured_providers",
    "build",
    "build_connections",
    "build_operation",
    "build_payments",
    "build_play",
    "build_rounds",
    "figures",
    "months_ahead",
    "months_gone",
    "payments_router",
    "reconcile_jackpots",
    "require_no_pan",
    "router",
    "seal_due",
    "verify_ledger",
]


async def build_operation(database: Database, settings: Settings, clock: Clock) -> OperationInForce:
    """What the casino may still do, brought to the ledger and read there before anything else is served."""
    operation = OperationInForce(OperationRepository(database), settings.operation_path, clock)
    await operation.look()
    return operation


async def build(
    database: Database, currency: str, currency_exponent: int, operation: OperationInForce | None = None
) -> Wallet:
    """Wire the module and make sure that the ledger knows the currency.

    Raises ConfigurationError when the ledger is in other currencies alone: rules that change the casino's currency are
    refused at a start as they are while it runs.
    """
    repository = WalletRepository(database)
    known = await repository.currencies()
    if known and currency not in known:
        raise ConfigurationError(f"the ledger is in {', '.join(sorted(known))}, and the rules say {currency}")
    await repository.add_currency(currency, currency_exponent)
    return Wallet(repository, PlayerLimits(database), currency, currency_exponent, operation)


def build_play(
    database: Database, currency: str, currency_exponent: int, operation: OperationInForce | None = None
) -> Play:
    """Play that spans calls, for external studios."""
    ledger = Ledger(database, operation)
    return Play(ledger, PlayRepository(database), currency, currency_exponent, operation)


def build_rounds(
    database: Database, currency: str, currency_exponent: int, operation: OperationInForce | None = None
) -> GameRounds:
    """Rounds of several steps, for the casino's own games."""
    return GameRounds(RoundRepository(database), PlayerLimits(database), currency, currency_exponent, operation)
