"""The settlement file of a day: what the provider says that it moved, as CSV in the family's own form."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

from psp_faults import SETTLEMENT, Fault, Faults
from psp_methods import NO_DECIMALS

HEADERS = {
    "card": (",", ["transaction_id", "reference", "type", "gross_minor", "fee_minor", "currency", "date"]),
    "bank": (";", ["BookingDate", "EndToEndId", "BankReference", "Type", "Amount", "Charges", "Currency"]),
    "wallet": (",", ["Date", "Transaction ID", "Custom", "Event", "Gross", "Fee", "Currency"]),
    "pix": (";", ["data", "txid", "e2eid", "tipo", "valor", "tarifa", "moeda"]),
    "crypto": (",", ["date", "tx", "reference", "direction", "amount_minor", "network_fee_minor", "currency"]),
}
TYPES = {
    "card": ("charge", "refund", "payout", "chargeback", "chargeback_won", "payout_return"),
    "bank": ("RCDT", "RRTN", "IDBT", "RVSL", "RVSLW", "PMTR"),
    "wallet": ("sale", "refund", "payout", "dispute", "dispute_won", "payout_return"),
    "pix": ("cobranca", "devolucao", "transferencia", "contestacao", "contestacao_ganha", "estorno"),
    "crypto": ("in", "refund", "out", "reorg", "reorg_undone", "out_return"),
}
_PLAIN = ("charge", "refund", "payout", "chargeback", "chargeback_won", "payout_return")


def settle(method: str, day: str, merchant: str, movements: list[dict[str, Any]], faults: Faults) -> str:
    """The file, with the faults that were scripted for it: each once for the first line that it fits."""
    lines: list[dict[str, Any]] = []
    for moved in movements:
        one, about = moved, moved | {"merchant": merchant, "method": method, "operation": moved["type"]}
        taken: dict[str, Fault] = {}
        while fault := faults.take(SETTLEMENT - {"settlement_extra"} - set(taken), about):
            taken[fault.name] = fault
        if "settlement_missing" in taken:
            continue
        if fault := taken.get("settlement_amount"):
            one = one | {"amount": one["amount"] + fault.by}
        if fault := taken.get("settlement_fee"):
            one = one | {"fee": one["fee"] + fault.by}
        lines += [one] * (2 if "settlement_duplicate" in taken else 1)
    if fault := faults.take({"settlement_extra"}, {"merchant": merchant, "method": method}):
        lines.append({"type": "charge", "id": f"{method}_unknown", "reference": fault.reference or "unheard-of",
                      "amount": fault.by, "fee": 0, "currency": "GBP"})  # fmt: skip
    delimiter, header = HEADERS[method]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    for one in lines:
        writer.writerow(_row(method, day, one))
    return out.getvalue()


def _row(method: str, day: str, one: dict[str, Any]) -> list[Any]:
    type_ = TYPES[method][_PLAIN.index(one["type"])]
    amount, fee, currency = one["amount"], one["fee"], one["currency"]
    if method == "card":
        return [one["id"], one["reference"], type_, amount, fee, currency, day]
    if method == "crypto":
        return [day, one["id"], one["reference"], type_, amount, fee, currency]
    places = 0 if currency in NO_DECIMALS else 2
    written = [f"{Decimal(value).scaleb(-places):.{places}f}" for value in (amount, fee)]
    if method == "wallet":
        return [day, one["id"], one["reference"], type_, *written, currency]
    comma = [value.replace(".", ",") for value in written]
    names = [one["reference"], one["id"]]
    return [day, *names, type_, *comma, currency]
