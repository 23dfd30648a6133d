"""Looking after keys: open the vault, seal what was in the clear, re-wrap after a rotation, erase after retention."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from casino.kernel.clock import Clock
from casino.pam import crypto, repository_keys
from casino.pam.events import Event, EventLog, PlayerErased
from casino.pam.keys import DataKeys, TenantKey, wrapped_version
from casino.pam.vault import INDEX_KEY_OWNER, Vault

log = logging.getLogger(__name__)

BATCH = 200


async def open_vault(pool: Any, tenant_key: TenantKey, clock: Clock) -> Vault:
    """The vault of a database: its key of blind indices is made when there is none.

    Raises what TenantKey.unwrap raises when the tenant's key is not the one that the database was sealed with.
    """
    wrapped = await repository_keys.find_index_key(pool)
    if wrapped is None:
        made = await tenant_key.wrap(crypto.new_key(), INDEX_KEY_OWNER.bytes)
        wrapped = await repository_keys.index_key(pool, made, wrapped_version(made))
    index_key = await tenant_key.unwrap(wrapped, INDEX_KEY_OWNER.bytes)
    return Vault(DataKeys(tenant_key, clock), index_key)


async def seal_what_is_clear(pool: Any, vault: Vault) -> int:
    """Seal players who were registered in the clear, batch by batch; answers how many. Several may run at once."""
    sealed = 0
    while batch := await repository_keys.in_the_clear(pool, BATCH):
        for player_id, email, born in batch:
            person = await vault.seal_new(player_id, {"email": email, "date_of_birth": born.isoformat()})
            index = person.indices["email"]
            assert index is not None
            sealed += await repository_keys.seal_player(
                pool, player_id, person.wrapped, version=person.key_version, sealed=person.sealed, email=index
            )
            # Kept only for who won; the other's key in the database is the one that counts.
            vault.keys.forget(player_id)
    return sealed


async def rewrap_all(pool: Any, tenant_key: TenantKey, progress: Callable[[int, int], None]) -> int:
    """Wrap every data key anew with the tenant key's newest version; answers how many were.

    It may be stopped at any time and called again: what is done is known by its version. `progress(done, total)`.
    """
    version = await tenant_key.version()
    total = await repository_keys.count_keys_older_than(pool, version)
    done, after = 0, uuid.UUID(int=0)
    old = await repository_keys.find_index_key(pool)
    if old is not None and wrapped_version(old) < version:
        new = await _again(tenant_key, INDEX_KEY_OWNER, old)
        await repository_keys.replace_index_key(pool, old, new, wrapped_version(new))
    while batch := await repository_keys.keys_older_than(pool, version, after, BATCH):
        wrapped = await asyncio.gather(*(_again(tenant_key, subject, old) for subject, old in batch))
        await repository_keys.rewrap(
            pool,
            [(subject, old, new, wrapped_version(new)) for (subject, old), new in zip(batch, wrapped, strict=True)],
        )
        after = batch[-1][0]
        done += len(batch)
        progress(done, total)
    return done


async def _again(tenant_key: TenantKey, subject: uuid.UUID, wrapped: str) -> str:
    return await tenant_key.wrap(await tenant_key.unwrap(wrapped, subject.bytes), subject.bytes)


async def erase_expired(pool: Any, vault: Vault, events: EventLog, now: datetime, closed_before: datetime) -> int:
    """Destroy the keys of accounts that closed before a time, one transaction each; answers how many."""
    erased = 0
    while batch := await repository_keys.erasable(pool, closed_before, BATCH):
        for player_id in batch:
            async with pool.acquire() as connection, connection.transaction():
                if await repository_keys.destroy_key(connection, player_id, now):
                    await events.append(connection, Event(player_id, now, PlayerErased()))
            vault.keys.forget(player_id)
            erased += 1
    log.info("players erased", extra={"players": erased})
    return erased
