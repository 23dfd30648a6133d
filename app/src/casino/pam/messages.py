"""Messages to players: written in the transaction that they tell of, sent afterwards, gone once they are sent."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from casino.kernel.clock import Clock
from casino.kernel.identity import new_id
from casino.pam import repository_messages
from casino.pam.repository import PlayerRepository
from casino.pam.repository_messages import MessageRow
from casino.pam.vault import Vault

log = logging.getLogger(__name__)

BATCH = 20
CLAIM = timedelta(minutes=2)
MOST_ATTEMPTS = 8
PURPOSE = "message"


@dataclass(frozen=True, slots=True)
class Message:
    """`to` is an e-mail address; `values` are the template's, a reset's token among them. Never logged."""

    message_id: uuid.UUID
    kind: str
    to: str
    values: dict[str, str]

    def __repr__(self) -> str:
        return f"Message(message_id={self.message_id}, kind={self.kind!r})"


class MessageSender(Protocol):
    """Hands a message to a provider. It may get a message twice: `message_id` tells. Raises when it could not."""

    async def send(self, message: Message) -> None: ...


class LogSender:
    """Where no provider is set up: that there was a message is logged, and nothing of what it says or to whom."""

    async def send(self, message: Message) -> None:
        log.warning(
            "no provider sends messages; one was dropped",
            extra={"message_id": str(message.message_id), "kind": message.kind},
        )


class FolderSender:
    """Development: each message as a file that its owner alone may read (CASINO_MESSAGES_FOLDER)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: Message) -> None:
        await asyncio.to_thread(self._write, message)
        log.info("message written", extra={"message_id": str(message.message_id), "kind": message.kind})

    def _write(self, message: Message) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = {"kind": message.kind, "to": message.to, "values": message.values}
        path = self._folder / f"{message.message_id}.json"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(document, file)


class Messages:
    """The table of messages: `add` within a transaction, `send_due` again and again."""

    def __init__(self, repository: PlayerRepository, vault: Vault, sender: MessageSender, clock: Clock) -> None:
        self._repository = repository
        self._vault = vault
        self._sender = sender
        self._clock = clock

    async def add(
        self, connection: Any, player_id: uuid.UUID, wrapped: str, kind: str, values: dict[str, str] | None = None
    ) -> None:
        """Keep a message for a player; what it says is sealed with the player's key."""
        sealed = await self._vault.seal(player_id, wrapped, values or {}, PURPOSE)
        await repository_messages.add_message(
            connection, new_id(), player_id, kind, sealed=sealed, now=self._clock.now()
        )

    async def send_due(self) -> int:
        """Send what is due; answers how many were sent. Each failure doubles the wait, and the last one gives up."""
        now = self._clock.now()
        pool = self._repository.pool
        rows = await repository_messages.claim_messages(pool, now, now + CLAIM, BATCH)
        sent = 0
        for row in rows:
            try:
                await self._sender.send(await self._open(row))
            except Exception as error:
                extra = {"message_id": str(row.message_id), "attempts": row.attempts, "error": type(error).__name__}
                log.warning("a message could not be sent", extra=extra)
                if row.attempts >= MOST_ATTEMPTS:
                    await repository_messages.end_message(pool, row.message_id, self._clock.now(), sent=False)
                else:
                    due = now + timedelta(seconds=15 * 2**row.attempts)
                    await repository_messages.put_off_message(pool, row.message_id, due)
            else:
                await repository_messages.end_message(pool, row.message_id, self._clock.now(), sent=True)
                sent += 1
        return sent

    async def run(self, interval_s: float) -> None:
        """Send until cancelled."""
        while True:
            try:
                while await self.send_due() == BATCH:
                    pass
            except Exception:
                log.exception("messages could not be sent; trying again")
            await asyncio.sleep(interval_s)

    async def _open(self, row: MessageRow) -> Message:
        if row.wrapped is None or row.person_sealed is None:
            raise LookupError("the player was erased")
        person = await self._vault.open(row.player_id, row.wrapped, row.person_sealed)
        values = await self._vault.open(row.player_id, row.wrapped, row.sealed, PURPOSE)
        return Message(row.message_id, row.kind, person["email"], values)
