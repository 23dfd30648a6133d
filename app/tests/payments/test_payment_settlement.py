"""Settlement files against our books: every difference is found and named, and nothing else is."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from casino.__main__ import main
from casino.wallet.payments.models import METHODS, Method
from casino.wallet.payments.reconciliation import Reconciled, reconcile
from casino.wallet.payments.routing import Route
from casino.wallet.payments.settlement import (
    FORMS,
    TYPES,
    Line,
    Ours,
    SettlementInvalid,
    match,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st
from payments_simulator import SECRETS

DAY = date(2030, 1, 2)
ROUTE = {"card": (20, 150), "bank": (10, 30), "wallet": (0, 200), "pix": (1, 50), "crypto": (0, 100)}

ours = st.lists(
    st.builds(Ours, st.sampled_from(TYPES), st.text("abc", min_size=1, max_size=3), st.integers(1, 1000),
              st.integers(0, 50), st.just("GBP"), st.booleans()),
    max_size=8, unique_by=lambda one: (one.type, one.reference),
)  # fmt: skip


def lines_of(books: list[Ours]) -> list[Line]:
    return [Line(at, one.type, one.reference, "id", one.amount, one.fee or 0, one.currency)
            for at, one in enumerate(books, start=1)]  # fmt: skip


@given(ours, st.randoms(use_true_random=False))
def test_a_file_that_tells_the_same_in_any_order_has_no_break(books: list[Ours], random: Any) -> None:
    lines = lines_of(books)
    random.shuffle(lines)
    assert match(lines, books) == []


FAULTS = ["none", "missing_there", "duplicate", "amount_differs", "fee_differs", "currency_differs"]


@given(ours, st.lists(st.sampled_from(FAULTS), min_size=8, max_size=8), st.integers(0, 3))
def test_each_fault_is_one_break_of_its_kind(books: list[Ours], faults: list[str], extra: int) -> None:
    lines, expected = [], Counter[tuple[str, str, str]]()
    for one, line, fault in zip(books, lines_of(books), faults, strict=False):
        match fault:
            case "missing_there":
                if one.due:
                    expected[fault, one.type, one.reference] += 1
                continue
            case "duplicate":
                lines.append(line)
            case "amount_differs":
                line = replace(line, amount=line.amount + 1)  # noqa: PLW2901
            case "fee_differs":
                line = replace(line, fee=line.fee + 1)  # noqa: PLW2901
            case "currency_differs":
                line = replace(line, currency="EUR")  # noqa: PLW2901
        if fault != "none":
            expected[fault, one.type, one.reference] += 1
        lines.append(line)
    for number in range(extra):
        lines.append(Line(99, "charge", f"unknown-{number}", "id", 5, 0, "GBP"))
        expected["missing_here", "charge", f"unknown-{number}"] += 1
    found = Counter((one.kind, one.type, one.reference) for one in match(lines, books))
    assert found == expected


@given(ours)
def test_what_an_earlier_file_told_is_a_duplicate_in_this_one(books: list[Ours]) -> None:
    earlier = {(one.type, one.reference): 1 for one in books}
    found = match(lines_of(books), [replace(one, due=False) for one in books], earlier)
    assert [one.kind for one in found] == ["duplicate"] * len(books)


def written(method: Method, rows: list[list[str]]) -> str:
    form = FORMS[method]
    return "\n".join(form.separator.join(row) for row in [list(form.columns.values()), *rows]) + "\n"


def row(method: Method, **changes: str) -> list[str]:
    amount = {"": "1234", ".": "12.34", ",": "12,34"}[FORMS[method].decimal]
    values = {"id": "x", "reference": "r", "type": FORMS[method].words[0], "amount": amount, "fee": "0",
              "currency": "GBP", "day": "2030-01-02"}  # fmt: skip
    return [(values | changes)[name] for name in FORMS[method].columns]


@pytest.mark.parametrize("method", METHODS)
def test_each_family_is_read_in_its_own_form(method: Method) -> None:
    assert parse(method, written(method, [row(method)]), DAY, 2) == [Line(1, "charge", "r", "x", 1234, 0, "GBP")]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "fault", [{"amount": "12.345"}, {"amount": "-1"}, {"type": "gift"}, {"currency": "pounds"}, {"day": "2030-01-03"},
              {"reference": ""}, {"amount": ""}],
)  # fmt: skip
def test_half_a_file_is_refused_as_a_whole(method: Method, fault: dict[str, str]) -> None:
    with pytest.raises(SettlementInvalid, match="line 2"):
        parse(method, written(method, [row(method), row(method, **fault)]), DAY, 2)


@given(st.text(max_size=80))
def test_what_is_no_file_is_refused(text: str) -> None:
    with pytest.raises(SettlementInvalid):
        parse("card", text, DAY, 2)


async def settled(world: Any, provider: str, method: Method) -> Reconciled:
    day = datetime.now(UTC).date()
    text = await world.simulator.adapters[provider, method].settlement(day)
    fixed, points = ROUTE[method]
    route = Route(provider=provider, method=method, currencies=frozenset({"GBP"}), fixed_minor=fixed,
                  basis_points=points)  # fmt: skip
    async with world.database.pool.acquire() as connection:
        return await reconcile(connection, [route], 2, provider=provider, method=method, day=day, text=text,
                               now=world.simulator.clock.now())  # fmt: skip


def only(report: Reconciled, payment: Any) -> list[tuple[str, str, int | None, int | None]]:
    """The breaks of one payment: the simulator remembers those of other tests too."""
    return [(one.kind, one.type, one.ours, one.theirs) for one in report.breaks
            if one.reference.startswith(payment.payment_id.hex)]  # fmt: skip


async def paid(world: Any, method: Method) -> Any:
    """A deposit of 1000 at alfa."""
    if method == "card":
        return await world.deposit()
    if method != "crypto":
        return await world.paid_by(1000, method)
    payment = await world.deposit(method="crypto")
    await world.simulator.event("alfa", await world.reference(payment), "confirm", blocks=3)
    await world.deliver("alfa")
    return payment


@pytest.mark.parametrize("method", METHODS)
async def test_a_day_of_deposits_refunds_and_disputes_agrees(world: Any, method: Method) -> None:
    first, second = await paid(world, method), await paid(world, method)
    await world.payments.refund(first.payment_id, 300, "ann", "seen", "k1")
    for event in ("chargeback", "chargeback_won"):
        await world.simulator.event("alfa", await world.reference(second), event)
        await world.deliver("alfa")
    report = await settled(world, "alfa", method)
    assert report.lines >= 5 and only(report, first) == only(report, second) == []
    assert {one.kind for one in report.breaks} <= {"missing_here"}, "other tests' payments are not in this database"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("settlement_missing", [("missing_there", "charge", 1000, None)]),
     ("settlement_duplicate", [("duplicate", "charge", None, 1000)]),
     ("settlement_amount", [("amount_differs", "charge", 1000, 1007)]),
     ("settlement_fee", [("fee_differs", "charge", 35, 42)])],
)  # fmt: skip
async def test_each_difference_of_a_settlement_is_reported(world: Any, fault: str, expected: list[Any]) -> None:
    payment = await world.deposit()
    await world.simulator.fault("alfa", fault, reference=await world.reference(payment), by=7)
    report = await settled(world, "alfa", "card")
    assert only(report, payment) == expected
    stored = await world.database.pool.fetchval("SELECT count(*) FROM wallet.settlement_breaks")
    assert stored == len(report.breaks)


async def test_what_a_file_forgot_is_closed_by_the_next_and_a_known_file_is_not_counted_twice(world: Any) -> None:
    payment = await world.deposit()
    await world.simulator.fault("alfa", "settlement_missing", reference=await world.reference(payment))
    assert only(await settled(world, "alfa", "card"), payment) == [("missing_there", "charge", 1000, None)]
    again = await settled(world, "alfa", "card")
    assert (again.known, again.closed, only(again, payment)) == (False, 1, [])
    third = await settled(world, "alfa", "card")
    assert (third.known, third.closed, only(third, payment)) == (True, 0, [])
    open_ = "SELECT count(*) FROM wallet.settlement_breaks WHERE closed_at IS NULL AND kind = 'missing_there'"
    assert await world.database.pool.fetchval(open_) == 0


def test_the_command_fetches_reports_and_answers_by_its_exit_code(
    servers: Any, payments_database: str, psp_url: str, tmp_path: Any, monkeypatch: Any, capsys: Any
) -> None:
    from payments_world import rules_with

    rules = tmp_path / "rules.json"
    rules.write_text(rules_with().current.model_dump_json(by_alias=True))
    routes = [{"provider": "charlie", "method": "bank", "currencies": ["GBP"]}]
    variables = servers.environment(payments_database) | {
        "CASINO_RULES": str(rules), "CASINO_PAYMENTS": json.dumps({"routes": routes}),
        "CASINO_PSP": json.dumps([{"name": "charlie", "url": psp_url}]),
        "CASINO_PSP_SECRETS": json.dumps({"charlie": {"merchant_id": "charlie", "secret": SECRETS["charlie"]}}),
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["payments", "reconcile", "--date", "2001-01-01"]) == 0
    assert "charlie bank 2001-01-01: 0 lines, everything agrees" in capsys.readouterr().out
    file = tmp_path / "bank.csv"
    file.write_text(written("bank", [row("bank")]))
    given_ = ["payments", "reconcile", str(file), "--provider", "charlie", "--method", "bank", "--date", "2030-01-02"]
    assert main([*given_, "--json"]) == 1
    [report] = json.loads(capsys.readouterr().out)["files"]
    assert [(one["kind"], one["reference"]) for one in report["breaks"]] == [("missing_here", "r")]
    assert main(["payments", "breaks", "--json"]) == 1
    found = [one for one in json.loads(capsys.readouterr().out) if one["reference"] == "r"]
    assert [(one["provider"], one["kind"]) for one in found] == [("charlie", "missing_here")]
    name = [found[0]["file_id"], str(found[0]["number"])]
    assert main(["payments", "resolve", *name, "--note", "ok"]) == 2
    assert main(["payments", "resolve", *name, "--note", "4111 1111 1111 1111"]) == 2
    assert main(["payments", "resolve", *name, "--note", "they sent it twice"]) == 0
    assert main(["payments", "resolve", *name, "--note", "they sent it twice"]) == 2
    assert main(["payments", "breaks"]) in (0, 1) and " r: " not in capsys.readouterr().out
    file.write_text("nonsense")
    assert main(given_) == 2 and main(given_[:3] + given_[-2:]) == 2
    monkeypatch.setenv("CASINO_PSP", json.dumps([{"name": "charlie", "url": "http://127.0.0.1:1"}]))
    assert main(["payments", "reconcile", "--date", "2001-01-01"]) == 1
    assert "COULD NOT BE FETCHED" in capsys.readouterr().out
