"""Deposits: pending first, then the provider, then the ledger; and the reconciler for answers that were lost."""

from __future__ import annotations

import logging

from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.metrics import DEPOSITS, DEPOSITS_PENDING
from casino.wallet.models import NOT_RECEIVED, Deposit, DepositAnswer, DepositRequest, Payment
from casino.wallet.psp import PspClient, PspUnknown
from casino.wallet.repository import WalletRepository
from casino.wallet.service import AccountNotOpen

log = logging.getLogger(__name__)

GIVE_UP_AFTER_S = 15 * 60
"""When a provider says for this long that it never received a payment, nothing of it is under way any more."""
BATCH = 100


class PspUnavailable(CasinoError):
    status, code = 503, "PSP_UNAVAILABLE"
    rule = "a deposit needs a payment service provider"
    remedy = "Try again later."


class Deposits:
    """Deposits through the tenant's providers; new ones go to the first."""

    def __init__(self, repository: WalletRepository, clients: list[PspClient]) -> None:
        self._repository = repository
        self._clients = {client.name: client for client in clients}

    async def deposit(self, account_id: int, key: str, request_hash: bytes, body: DepositRequest) -> DepositAnswer:
        """Deposit once per key. Status `pending` means that the provider's answer is not known yet.

        A repeat of a pending deposit asks the provider again under the same key, so it settles and charges once.
        Raises IdempotencyKeyReused, AccountNotOpen, PspUnavailable.
        """
        if not self._clients:
            raise PspUnavailable("This casino has no payment service provider.")
        provider = next(iter(self._clients))
        outcome, deposit = await self._repository.begin_deposit(
            account_id, key, request_hash, provider, body.amount_minor
        )
        if outcome == "key_reused":
            raise IdempotencyKeyReused("The Idempotency-Key was used for another deposit before.")
        if deposit is None:
            raise AccountNotOpen("The account may not deposit.")
        if deposit.status == "pending" and (client := self._clients.get(deposit.provider)) is not None:
            deposit = await self._pay(client, deposit, body.card_token)
        return DepositAnswer(
            deposit_id=deposit.deposit_id,
            status=deposit.status,
            decline_code=deposit.decline_code,
            balance_minor=deposit.balance_after
            if deposit.balance_after is not None
            else await self._repository.balance(account_id),
        )

    async def reconcile(self, *, older_than_s: float = 0, give_up_after_s: float = GIVE_UP_AFTER_S) -> int:
        """Ask the providers about pending deposits and settle them; answers how many were settled.

        Does nothing when another process of the tenant is at it.
        """
        settled = 0
        async with self._repository.reconciler_lock() as held:
            if not held:
                return 0
            for deposit, age_s in await self._repository.pending_deposits(older_than_s, BATCH):
                client = self._clients.get(deposit.provider)
                if client is None:
                    log.error("a pending deposit's provider is not configured", extra={"psp": deposit.provider})
                    continue
                try:
                    payment = await client.find(deposit.deposit_id, deposit.amount, deposit.currency)
                except PspUnknown as error:
                    log.warning("a pending deposit stays so", extra=_about(deposit) | {"reason": str(error)})
                    continue
                if payment is not None:
                    await self._settle(deposit, payment)
                    settled += 1
                elif age_s >= give_up_after_s:
                    await self._decline(deposit, NOT_RECEIVED, None)
                    settled += 1
        DEPOSITS_PENDING.set(await self._repository.count_pending())
        return settled

    async def _pay(self, client: PspClient, deposit: Deposit, card_token: str) -> Deposit:
        try:
            payment = await client.pay(deposit.deposit_id, deposit.amount, deposit.currency, card_token)
        except PspUnknown as error:
            log.warning("a deposit's answer is not known", extra=_about(deposit) | {"reason": str(error)})
            return await self._ask(client, deposit)
        return await self._settle(deposit, payment)

    async def _ask(self, client: PspClient, deposit: Deposit) -> Deposit:
        """The answer was lost: perhaps the payment is there already. Otherwise the reconciler goes on asking."""
        try:
            payment = await client.find(deposit.deposit_id, deposit.amount, deposit.currency)
        except PspUnknown:
            payment = None
        if payment is None:
            DEPOSITS.labels("pending").inc()
            return deposit
        return await self._settle(deposit, payment)

    async def _settle(self, deposit: Deposit, payment: Payment) -> Deposit:
        if payment.status == "declined":
            return await self._decline(deposit, payment.decline_code or "declined", payment.payment_id)
        captured = await self._repository.capture_deposit(deposit.deposit_id, payment.payment_id)
        DEPOSITS.labels("captured").inc()
        log.info("deposit captured", extra=_about(deposit))
        return captured

    async def _decline(self, deposit: Deposit, code: str, payment_id: str | None) -> Deposit:
        DEPOSITS.labels("declined").inc()
        log.info("deposit declined", extra=_about(deposit) | {"decline_code": code})
        return await self._repository.decline_deposit(deposit.deposit_id, code, payment_id)


def _about(deposit: Deposit) -> dict[str, str]:
    return {"deposit_id": str(deposit.deposit_id), "psp": deposit.provider}
