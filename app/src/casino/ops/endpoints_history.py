"""HTTP of a player's history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from casino.kernel.errors import RequestInvalid
from casino.kernel.http import ERRORS, Parts, Player
from casino.ops.history import Kind, PlayerHistory, Search
from casino.wallet.api import History, Wallet

router = APIRouter(prefix="/api/v1", tags=["wallet"], responses=ERRORS)
_SEARCHED = "s"
"""What a place in the searched history begins with: it is another than a place in the journal."""


class HistoryQuery(BaseModel):
    """`before` is `next` of an earlier answer. Times carry their zones; `since` is included, `until` is not."""

    before: Annotated[str | None, Field(pattern=r"^s?[1-9][0-9]{0,17}$")] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    kind: Kind | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@router.get("/history")
async def history(parts: Parts, player: Player, asked: Annotated[HistoryQuery, Query()]) -> History:
    """Transactions, newest first; `next` of one answer is `before` of the following request.

    By `kind` or time it is a search, which finds what was played within the last seconds a moment later. The whole of
    it is always up to date.
    """
    before, account_id = asked.before, player.account_id
    searched = before is not None and before.startswith(_SEARCHED)
    if asked.kind is None and asked.since is None and asked.until is None and not searched:
        return await parts.get(Wallet).history(account_id, int(before) if before else None, asked.limit)
    if before is not None and not searched:
        raise RequestInvalid("The place is one of the whole history, and not of a search.", rule="before")
    search = Search(asked.kind, asked.since, asked.until, int(before[1:]) if before else None)
    entries, following = await parts.get(PlayerHistory).find(account_id, search, asked.limit)
    return History(entries=entries, next=None if following is None else f"{_SEARCHED}{following}")
