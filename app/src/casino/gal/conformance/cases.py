"""The cases, each one rule of docs/studios.md. A case begins with fresh ids and leaves its rounds closed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from casino.gal.conformance.bench import Bench, Case
from casino.gal.conformance.wire import Ask
from casino.gal.studio_model import Fault

Run = Callable[[Bench], Awaitable[None]]
CASES: list[Case] = []
RSA, HMAC = ("rsa_status",), ("hmac_actions",)


def case(title: str, *, needs: Sequence[str] = (), dialects: Sequence[str] = RSA + HMAC) -> Callable[[Run], Run]:
    """Add a case under the next number. Numbers are cited by integrators: new cases go to the end."""

    def add(run: Run) -> Run:
        CASES.append(Case(len(CASES) + 1, title, run, needs, dialects))
        return run

    return add


@case("the balance is answered, in the session's currency")
async def _(b: Bench) -> None:
    heard = await b.send(Ask("balance", token=b.endpoint.token, player=b.endpoint.player))
    b.ok(heard, "the balance")
    b.has_balance(heard)
    b.expect(heard.body.get("currency") == b.endpoint.currency, b.endpoint.currency, str(heard.body.get("currency")))


@case("a wrong signature is refused, and moves nothing")
async def _(b: Bench) -> None:
    b.refused(await b.send(b.bet(signature="wrong")), "a bet signed wrongly", Fault.SIGNATURE_INVALID)
    await b.moved(0, "the signature was wrong")


@case("a missing signature is refused, and moves nothing")
async def _(b: Bench) -> None:
    b.refused(await b.send(b.bet(signature="none")), "a bet without a signature", Fault.SIGNATURE_INVALID)
    await b.moved(0, "there was no signature")


@case("a signature from an hour ago is refused", dialects=HMAC)
async def _(b: Bench) -> None:
    b.refused(await b.send(b.bet(signature="stale")), "an old timestamp", Fault.STALE)
    await b.moved(0, "the call was too old")


@case("a body that is not what was signed is refused")
async def _(b: Bench) -> None:
    heard = await b.send(b.bet(), body=b'{"not": "what was signed"}')
    b.refused(heard, "another body", Fault.SIGNATURE_INVALID)


@case("an unknown session is refused")
async def _(b: Bench) -> None:
    b.refused(await b.send(b.bet(token=str(uuid.uuid4()))), "a bet in no session", Fault.SESSION_UNKNOWN)


@case("another player's name in a session is refused")
async def _(b: Bench) -> None:
    b.refused(await b.send(b.bet(player=str(uuid.uuid4()))), "a bet of somebody else", Fault.SESSION_UNKNOWN)
    await b.moved(0, "it was somebody else's bet")


@case("a bet takes its stake, and the answer has the balance after it")
async def _(b: Bench) -> None:
    bet = b.bet()
    heard = await b.send(bet)
    b.ok(heard, "a bet")
    after = b.start_minor - b.endpoint.stake_minor
    b.expect(b.has_balance(heard) == after, f"a balance of {after}", str(heard.balance_minor))
    await b.send(b.win(bet, 0))
    await b.moved(-b.endpoint.stake_minor, "one bet, and no win")


@case("the same bet again gives the same answer, and takes nothing")
async def _(b: Bench) -> None:
    bet = b.bet()
    first = await b.send(bet)
    b.ok(first, "a bet")
    won = await b.send(b.win(bet, 1))
    b.ok(won, "its win")
    for _ in range(2):
        again = await b.send(bet)
        b.expect(
            (again.code, again.balance_minor) == (first.code, first.balance_minor),
            f"the first answer again ({first.code}, {first.balance_minor})",
            f"{again.code}, {again.balance_minor}",
        )
    await b.moved(1 - b.endpoint.stake_minor, "the bet was sent three times and counts once")


@case("the same id with another amount is refused, and takes nothing")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    heard = await b.send(replace(bet, amount=b.endpoint.stake_minor + 1))
    b.refused(heard, "another bet under the same id", Fault.TRANSACTION_REUSED)
    await b.send(b.win(bet, 0))
    await b.moved(-b.endpoint.stake_minor, "only the first of the two counts")


@case("eight copies of a bet at one moment take its stake once")
async def _(b: Bench) -> None:
    bet = b.bet()
    heard = await asyncio.gather(*(b.send(bet) for _ in range(8)))
    for one in heard:
        b.refused(one, "each copy taken or", Fault.TECHNICAL) if one.code != b.wire.codes[None] else None
    b.expect(any(one.code == b.wire.codes[None] for one in heard), "a copy accepted", heard[0].code)
    await b.send(b.win(bet, 0))
    await b.moved(-b.endpoint.stake_minor, "eight copies are one bet")


@case("a bet beyond the balance is refused, with the balance")
async def _(b: Bench) -> None:
    heard = await b.send(b.bet(b.start_minor + 1))
    b.refused(heard, "a bet beyond the balance", Fault.FUNDS_INSUFFICIENT, Fault.LIMIT_REACHED)
    b.expect(b.has_balance(heard) == b.start_minor, f"a balance of {b.start_minor}", str(heard.balance_minor))
    await b.moved(0, "the bet was refused")


@case("a rollback of a refused bet is accepted, and gives nothing")
async def _(b: Bench) -> None:
    bet = b.bet(b.start_minor + 1)
    await b.send(bet)
    b.ok(await b.send(b.rollback(bet)), "a rollback of a refused bet")
    await b.moved(0, "nothing was taken")


@case("another currency is refused, and takes nothing")
async def _(b: Bench) -> None:
    other = "SEK" if b.endpoint.currency != "SEK" else "NOK"
    b.refused(await b.send(b.bet(currency=other)), f"a bet in {other}", Fault.CURRENCY_WRONG)
    await b.moved(0, "the currency was wrong")


@case("a negative amount is refused, and moves nothing")
async def _(b: Bench) -> None:
    for ask in (b.bet(-b.endpoint.stake_minor), b.win(b.bet(), -b.endpoint.stake_minor)):
        b.refused(await b.send(ask), f"a {ask.kind} of less than nothing", Fault.TYPES_INVALID)
    await b.moved(0, "the amounts were negative")


@case("an amount that is no integer is refused, and moves nothing")
async def _(b: Bench) -> None:
    nonsense: tuple[Any, ...] = ("10", True, 10.5, [], {})
    for amount in nonsense:
        b.refused(await b.send(b.bet(amount)), f"an amount of {amount!r}", Fault.TYPES_INVALID)
    b.refused(await b.send(replace(b.bet(), amount=None)), "a bet without an amount", Fault.TYPES_INVALID)
    await b.moved(0, "there was no amount")


@case("an empty or missing id is refused, and moves nothing")
async def _(b: Bench) -> None:
    for changes in ({"transaction_id": ""}, {"transaction_id": None}, {"round_id": ""}, {"transaction_id": 7}):
        b.refused(await b.send(b.bet(**changes)), f"a bet with {changes}", Fault.TYPES_INVALID)
    await b.moved(0, "an id was missing")


@case("an unknown game is refused")
async def _(b: Bench) -> None:
    b.refused(await b.send(b.bet(game=f"no-game-{uuid.uuid4()}")), "a bet on no game", Fault.GAME_UNKNOWN)
    await b.moved(0, "there is no such game")


@case("a win pays, and the answer has the balance after it")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    heard = await b.send(b.win(bet, 25))
    b.ok(heard, "a win")
    after = b.start_minor - b.endpoint.stake_minor + 25
    b.expect(b.has_balance(heard) == after, f"a balance of {after}", str(heard.balance_minor))
    await b.moved(25 - b.endpoint.stake_minor, "a bet and its win")


@case("the same win again gives the same answer, and pays nothing")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    win = b.win(bet, 25)
    first = await b.send(win)
    again = await b.send(win)
    b.ok(again, "the win again")
    b.expect(again.balance_minor == first.balance_minor, str(first.balance_minor), str(again.balance_minor))
    await b.moved(25 - b.endpoint.stake_minor, "the win was sent twice and counts once")


@case("a win without a bet is refused, and pays nothing")
async def _(b: Bench) -> None:
    b.refused(await b.send(b.win(b.bet(), 25)), "a win of no bet", Fault.TRANSACTION_UNKNOWN)
    await b.moved(0, "there was no bet")


@case("a win that came before its bet is paid when it comes again")
async def _(b: Bench) -> None:
    bet = b.bet()
    win = b.win(bet, 25)
    b.refused(await b.send(win), "a win before its bet", Fault.TRANSACTION_UNKNOWN)
    b.ok(await b.send(bet), "the bet")
    b.ok(await b.send(win), "the win again")
    await b.moved(25 - b.endpoint.stake_minor, "the bet and the win both came in the end")


@case("a win of nothing closes the round")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    b.ok(await b.send(b.win(bet, 0)), "a win of nothing")
    await b.moved(-b.endpoint.stake_minor, "the bet was lost")


@case("a late win, after the round was closed, is paid")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    b.ok(await b.send(b.win(bet, 0)), "a win of nothing")
    b.ok(await b.send(b.win(bet, 7)), "a late win")
    await b.moved(7 - b.endpoint.stake_minor, "the late win is the player's")


@case("a round may have several wins and bets before it is closed")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    b.ok(await b.send(b.win(bet, 3, closes=False)), "a win")
    second = b.bet(round_id=bet.round_id)
    b.ok(await b.send(second), "another bet of the round")
    b.ok(await b.send(b.win(second, 4)), "the win that closes it")
    await b.moved(7 - 2 * b.endpoint.stake_minor, "two bets and two wins")


@case("a rollback gives an open bet back")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    heard = await b.send(b.rollback(bet))
    b.ok(heard, "its rollback")
    b.expect(b.has_balance(heard) == b.start_minor, f"a balance of {b.start_minor}", str(heard.balance_minor))
    await b.moved(0, "the bet was rolled back")


@case("the same rollback again gives the same answer, and nothing more")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    rollback = b.rollback(bet)
    b.ok(await b.send(rollback), "its rollback")
    b.ok(await b.send(rollback), "the rollback again")
    await b.moved(0, "the bet was given back once")


@case("a second rollback of one bet, under another id, gives nothing more")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    b.ok(await b.send(b.rollback(bet)), "its rollback")
    b.ok(await b.send(b.rollback(bet)), "another rollback of it")
    await b.moved(0, "the bet was given back once")


@case("a rollback of an unknown bet is accepted")
async def _(b: Bench) -> None:
    b.ok(await b.send(b.rollback(b.bet())), "a rollback of nothing")
    await b.moved(0, "there was nothing to give back")


@case("a bet that comes after its rollback is refused, and takes nothing")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(b.rollback(bet)), "a rollback before its bet")
    b.refused(await b.send(bet), "the late bet", Fault.TRANSACTION_ROLLED_BACK)
    await b.moved(0, "the bet was rolled back before it came")


@case("a rollback gives back a bet whose round is over")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    b.ok(await b.send(b.win(bet, 0)), "a win of nothing")
    b.ok(await b.send(b.rollback(bet)), "a rollback of the settled bet")
    await b.moved(0, "the bet was given back after all")


@case("a rollback takes a win back")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    win = b.win(bet, 25)
    b.ok(await b.send(win), "its win")
    b.ok(await b.send(b.rollback(win)), "a rollback of the win")
    await b.moved(-b.endpoint.stake_minor, "the win was taken back")


@case("a win of a round whose bet was rolled back is refused")
async def _(b: Bench) -> None:
    bet = b.bet()
    b.ok(await b.send(bet), "a bet")
    b.ok(await b.send(b.rollback(bet)), "its rollback")
    b.refused(await b.send(b.win(bet, 25)), "a win of it", Fault.TRANSACTION_UNKNOWN, Fault.TRANSACTION_ROLLED_BACK)
    await b.moved(0, "nothing was staked")


@case("a bet in a session that has run out is refused", needs=["expired_token"])
async def _(b: Bench) -> None:
    b.refused(await b.send(b.bet(token=b.endpoint.expired_token)), "a bet too late", Fault.SESSION_EXPIRED)
    await b.moved(0, "the session had run out")


@case("a win and a rollback are accepted after the session has run out", needs=["expired_token"])
async def _(b: Bench) -> None:
    first, second = b.bet(), b.bet()
    for bet in (first, second):
        b.ok(await b.send(bet), "a bet")
    b.ok(await b.send(b.win(first, 25, token=b.endpoint.expired_token)), "a win after the session")
    b.ok(await b.send(b.rollback(second, token=b.endpoint.expired_token)), "a rollback after the session")
    await b.moved(25 - b.endpoint.stake_minor, "both count")


@case("a bet of an excluded player is refused", needs=["barred_token"])
async def _(b: Bench) -> None:
    bet = b.bet(token=b.endpoint.barred_token, player=b.endpoint.barred_player)
    b.refused(await b.send(bet), "a bet of an excluded player", Fault.PLAYER_DISABLED)


@case("a free round's win has no bet, and is paid", needs=["free_rounds"])
async def _(b: Bench) -> None:
    win = replace(b.win(b.bet(), 30), reference=None, free_rounds=b.endpoint.free_rounds)
    b.ok(await b.send(win), "a free round's win")
    b.ok(await b.send(win), "the same again")
    await b.moved(30, "the free round's win counts once")


@case("a free round that nobody granted is refused")
async def _(b: Bench) -> None:
    win = replace(b.win(b.bet(), 30), reference=None, free_rounds=str(uuid.uuid4()))
    b.refused(await b.send(win), "a free round's win", Fault.FREE_ROUNDS_UNKNOWN)
    await b.moved(0, "nobody granted it")


@case("a bet and its win in one call", dialects=HMAC)
async def _(b: Bench) -> None:
    bet = b.bet()
    both = [bet, b.win(bet, 25)]
    for _ in range(2):
        heard = await b.send(*both)
        b.ok(heard, "a bet and a win")
        results: Any = heard.body.get("results")
        b.expect(isinstance(results, list) and len(results) == 2, "a result for each action", str(results))
    await b.moved(25 - b.endpoint.stake_minor, "the call was sent twice and counts once")


@case("what follows a refused action of one call is not carried out", dialects=HMAC)
async def _(b: Bench) -> None:
    bet = b.bet(b.start_minor + 1)
    heard = await b.send(bet, b.win(bet, 25))
    b.refused(heard, "a bet beyond the balance", Fault.FUNDS_INSUFFICIENT, Fault.LIMIT_REACHED)
    await b.moved(0, "the win's bet was refused")


@case("the request's id is repeated in the answer, and the answer's HTTP status is 200", dialects=RSA)
async def _(b: Bench) -> None:
    for ask in (b.bet(token=str(uuid.uuid4())), Ask("balance", token=b.endpoint.token, player=b.endpoint.player)):
        heard = await b.send(ask)
        sent = b.exchanges[-1].sent["request_uuid"]
        b.expect(heard.http == 200, "HTTP 200", f"HTTP {heard.http}")
        b.expect(heard.body.get("request_uuid") == sent, sent, str(heard.body.get("request_uuid")))
