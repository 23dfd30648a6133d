"""Rounds that the studio plays, well or with a fault. Each tells by how much the balance must have changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from studio_speech import Answer, Session

RETRIES = 5


@dataclass
class Table:
    """One session at one operator, and what was said in it."""

    speech: Any
    session: Session
    stake: int
    prize: int
    grant: str | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)

    def say(self, kind: str, **fields: Any) -> Answer:
        """Ask and write down."""
        answer: Answer = self.speech.ask(self.session, kind, **fields)
        told = {"kind": kind, **fields, "code": answer.code, "balance": answer.balance}
        self.steps.append({"accepted": answer.code == self.speech.accepted, **told})
        return answer

    def until_heard(self, kind: str, **fields: Any) -> Answer:
        """Lose the first answer, then repeat as a studio does, signed anew."""
        self.say(kind, lose_answer=True, **fields)
        for _ in range(RETRIES):
            answer = self.say(kind, **fields)
            if answer.code == self.speech.accepted:
                break
        return answer

    def bet(self, **more: Any) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "round": str(uuid.uuid4()), "amount": self.stake} | more

    def win(self, bet: dict[str, Any], amount: int | None = None, **more: Any) -> dict[str, Any]:
        amount = self.prize if amount is None else amount
        ids = {"id": str(uuid.uuid4()), "round": bet["round"], "of": bet["id"]}
        return ids | {"amount": amount, "closes": True} | more

    def rollback(self, of: dict[str, Any]) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "round": of["round"], "of": of["id"]}


def normal(table: Table) -> int:
    """A bet and its win."""
    bet = table.bet()
    table.say("bet", **bet)
    table.say("win", **table.win(bet))
    return table.prize - table.stake


def duplicate(table: Table) -> int:
    """Every call twice."""
    bet = table.bet()
    win = table.win(bet)
    for kind, call in (("bet", bet), ("bet", bet), ("win", win), ("win", win)):
        table.say(kind, **call)
    return table.prize - table.stake


def lost_answer(table: Table) -> int:
    """The answers to the bet and to the win are lost, and both calls repeated."""
    bet = table.bet()
    table.until_heard("bet", **bet)
    table.until_heard("win", **table.win(bet))
    return table.prize - table.stake


def late_bet(table: Table) -> int:
    """The bet's answer did not come in time: it is rolled back, and the bet arrives after that."""
    bet = table.bet()
    table.say("rollback", **table.rollback(bet))
    table.say("bet", **bet)
    return 0


def late_win(table: Table) -> int:
    """The round is closed with nothing, and a win comes after."""
    bet = table.bet()
    table.say("bet", **bet)
    table.say("win", **table.win(bet, 0))
    table.say("win", **table.win(bet))
    return table.prize - table.stake


def wrong_signature(table: Table) -> int:
    """A bet that somebody else signed."""
    table.say("bet", wrong=True, **table.bet())
    return 0


def out_of_order(table: Table) -> int:
    """The win comes before its bet, and again after it."""
    bet = table.bet()
    win = table.win(bet)
    table.say("win", **win)
    table.say("bet", **bet)
    table.say("win", **win)
    return table.prize - table.stake


def rollback(table: Table) -> int:
    """A bet that is rolled back, twice."""
    bet = table.bet()
    undo = table.rollback(bet)
    table.say("bet", **bet)
    table.say("rollback", **undo)
    table.say("rollback", **undo)
    return 0


def rollback_settled(table: Table) -> int:
    """A round that is over is taken back: first the win, then the bet."""
    bet = table.bet()
    win = table.win(bet)
    table.say("bet", **bet)
    table.say("win", **win)
    table.say("rollback", **table.rollback(win))
    table.say("rollback", **table.rollback(bet))
    return 0


def free_round(table: Table) -> int:
    """A win of a free round that the operator granted."""
    win = table.win(table.bet(), free=table.grant)
    del win["of"]
    table.say("win", **win)
    return table.prize


SCRIPTS: dict[str, Callable[[Table], int]] = {
    one.__name__: one
    for one in (
        normal, duplicate, lost_answer, late_bet, late_win, wrong_signature, out_of_order, rollback,
        rollback_settled, free_round,
    )
}  # fmt: skip
