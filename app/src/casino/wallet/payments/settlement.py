"""Settlement files: how each family writes them, and how they are held against our own books. Pure.

| family | separator | amounts |
|---|---|---|
| card, crypto | comma | minor units |
| wallet | comma | major units, decimal point |
| bank, pix | semicolon | major units, decimal comma |
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from casino.kernel.money import MAX_AMOUNT_MINOR
from casino.wallet.payments.adapters.decimals import minor_of
from casino.wallet.payments.models import Method

MovementType = Literal["charge", "refund", "payout", "chargeback", "chargeback_won", "payout_return"]
TYPES: tuple[MovementType, ...] = ("charge", "refund", "payout", "chargeback", "chargeback_won", "payout_return")
BreakKind = Literal[
    "missing_here", "missing_there", "amount_differs", "currency_differs", "fee_differs", "duplicate",
]  # fmt: skip
MAX_LINES = 1_000_000


class SettlementInvalid(Exception):
    """A file that is not of its family's form; the message names the line and the fault."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file. `number` counts from 1, without the header; amounts are minor units."""

    number: int
    type: MovementType
    reference: str
    provider_id: str
    amount: int
    fee: int
    currency: str


@dataclass(frozen=True, slots=True)
class Ours:
    """One movement by our books. `fee` is what the route's terms say; null where they are not known.

    `due`: it happened on the file's day and stands in no other file, so it is expected in this one.
    """

    type: MovementType
    reference: str
    amount: int
    fee: int | None
    currency: str
    due: bool


@dataclass(frozen=True, slots=True)
class Break:
    """What does not agree: amounts (or fees) in minor units, null on the side that has none."""

    kind: BreakKind
    type: MovementType
    reference: str
    ours: int | None
    theirs: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class Form:
    """A family's columns and words, in the order of TYPES."""

    separator: str
    columns: Mapping[str, str]
    words: tuple[str, ...]
    decimal: Literal["", ".", ","]


FORMS: dict[Method, Form] = {
    "card": Form(
        ",",
        {"id": "transaction_id", "reference": "reference", "type": "type", "amount": "gross_minor", "fee": "fee_minor",
         "currency": "currency", "day": "date"},
        TYPES, "",
    ),
    "bank": Form(
        ";",
        {"id": "BankReference", "reference": "EndToEndId", "type": "Type", "amount": "Amount", "fee": "Charges",
         "currency": "Currency", "day": "BookingDate"},
        ("RCDT", "RRTN", "IDBT", "RVSL", "RVSLW", "PMTR"), ",",
    ),
    "wallet": Form(
        ",",
        {"id": "Transaction ID", "reference": "Custom", "type": "Event", "amount": "Gross", "fee": "Fee",
         "currency": "Currency", "day": "Date"},
        ("sale", "refund", "payout", "dispute", "dispute_won", "payout_return"), ".",
    ),
    "pix": Form(
        ";",
        {"id": "e2eid", "reference": "txid", "type": "tipo", "amount": "valor", "fee": "tarifa", "currency": "moeda",
         "day": "data"},
        ("cobranca", "devolucao", "transferencia", "contestacao", "contestacao_ganha", "estorno"), ",",
    ),
    "crypto": Form(
        ",",
        {"id": "tx", "reference": "reference", "type": "direction", "amount": "amount_minor",
         "fee": "network_fee_minor", "currency": "currency", "day": "date"},
        ("in", "refund", "out", "reorg", "reorg_undone", "out_return"), "",
    ),
}  # fmt: skip


def parse(method: Method, text: str, day: date, exponent: int) -> list[Line]:
    """The lines of a day's file. Raises SettlementInvalid: half a file is worse than none."""
    form = FORMS[method]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=form.separator, strict=True)
    try:
        columns = list(rows.fieldnames or ())
    except csv.Error as error:
        raise SettlementInvalid(f"the header: {error}") from None
    if sorted(columns) != sorted(form.columns.values()):
        raise SettlementInvalid(f"a {method} file has the columns {', '.join(form.columns.values())}")
    types = dict(zip(form.words, TYPES, strict=True))
    read = _minor_reader(form, exponent)
    lines = []
    try:
        for number, row in enumerate(rows, start=1):
            if number > MAX_LINES:
                raise ValueError(f"it has more than {MAX_LINES} lines")
            values = {name: row[column] for name, column in form.columns.items()}
            if None in values.values() or None in row:
                raise ValueError("it has not as many fields as columns")
            if values["day"] != day.isoformat():
                raise ValueError(f"it is of {values['day'][:20]}, not of {day}")
            if values["type"] not in types or not values["reference"] or len(values["currency"]) != 3:
                raise ValueError("its type, reference or currency is malformed")
            lines.append(
                Line(number, types[values["type"]], values["reference"][:128], values["id"][:128],
                     read(values["amount"]), read(values["fee"]), values["currency"])
            )  # fmt: skip
    except (ValueError, csv.Error) as error:
        raise SettlementInvalid(f"line {len(lines) + 1}: {error}") from None
    return lines


def _minor_reader(form: Form, exponent: int) -> Callable[[str], int]:
    def read(written: str) -> int:
        if form.decimal:
            return minor_of(written.replace(",", ".") if form.decimal == "," else written, exponent)
        if not (written.isascii() and written.isdigit()) or int(written) > MAX_AMOUNT_MINOR:
            raise ValueError("an amount is no number of minor units")
        return int(written)

    return read


def match(
    lines: Sequence[Line], ours: Sequence[Ours], earlier: Mapping[tuple[MovementType, str], int] | None = None
) -> list[Break]:
    """What does not agree between a file and our books; each movement is in at most one break.

    `ours` has every movement of ours that a line names, and all that are due. `earlier` counts what stood in files
    before this one.
    """
    told = Counter(earlier or {})
    books: defaultdict[tuple[MovementType, str], list[Ours]] = defaultdict(list)
    for one in ours:
        books[one.type, one.reference].append(one)
    open_ = {key: many[told[key] :] for key, many in books.items()}
    breaks = []
    for line in lines:
        key = (line.type, line.reference)
        if not open_.get(key):
            kind: BreakKind = "duplicate" if key in books else "missing_here"
            breaks.append(Break(kind, line.type, line.reference, None, line.amount, line.currency))
            continue
        if found := _difference(open_[key].pop(0), line):
            breaks.append(found)
    for many in open_.values():
        breaks += [Break("missing_there", o.type, o.reference, o.amount, None, o.currency) for o in many if o.due]
    return breaks


def _difference(ours: Ours, line: Line) -> Break | None:
    if ours.currency != line.currency:
        return Break("currency_differs", line.type, line.reference, ours.amount, line.amount, line.currency)
    if ours.amount != line.amount:
        return Break("amount_differs", line.type, line.reference, ours.amount, line.amount, line.currency)
    if ours.fee is not None and ours.fee != line.fee:
        return Break("fee_differs", line.type, line.reference, ours.fee, line.fee, line.currency)
    return None
