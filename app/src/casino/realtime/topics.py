"""What can be subscribed to, and by whom. Pure.

A player says `balance` and means their own; in Redis it is `balance:` and the player's number. Of a topic that is a
*state* only the newest message matters, and it stands for all before it; of one of *events* each message does.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Literal

Kind = Literal["state", "event"]

OWN: dict[str, Kind] = {"balance": "state", "reality_check": "event"}
"""Topics of which each player has one."""
SHARED: dict[str, Kind] = {"jackpot": "state", "price": "state", "table": "event"}
"""Topics for everybody, each with a name behind a colon."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Topic:
    """`key` is what it is called in Redis, `shown` what a client calls it."""

    key: str
    shown: str
    kind: Kind


def balance(player_id: uuid.UUID) -> Topic:
    """What a player may stake or withdraw."""
    return _own("balance", player_id)


def reality_check(player_id: uuid.UUID) -> Topic:
    """How long a player has played, and what came of it, when it is time to say so."""
    return _own("reality_check", player_id)


def jackpot(name: str) -> Topic:
    """What stands in a jackpot."""
    return _shared("jackpot", name)


def price(name: str) -> Topic:
    """A price or odds that go up and down."""
    return _shared("price", name)


def table(table_id: str) -> Topic:
    """The course of a live table's rounds."""
    return _shared("table", table_id)


def visible(shown: str, player_id: uuid.UUID) -> Topic | None:
    """The topic that a player means by a name; None for one that does not exist or is somebody else's."""
    if shown in OWN:
        return _own(shown, player_id)
    family, _, name = shown.partition(":")
    return _shared(family, name) if family in SHARED and _NAME.fullmatch(name) else None


def of_key(key: str) -> Topic | None:
    """The topic of a name in Redis; None for one that this version does not know."""
    family = key.partition(":")[0]
    if family in OWN:
        return Topic(key, family, OWN[family])
    return Topic(key, key, SHARED[family]) if family in SHARED else None


def _own(family: str, player_id: uuid.UUID) -> Topic:
    return Topic(f"{family}:{player_id}", family, OWN[family])


def _shared(family: str, name: str) -> Topic:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a topic: lower-case letters, digits, - and _, at most 64")
    return Topic(f"{family}:{name}", f"{family}:{name}", SHARED[family])
