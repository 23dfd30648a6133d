"""What the simulated provider has done: operations, movements of money and webhooks, in SQLite.

A captured payment stays captured when the process is killed. Amounts are integers of minor units.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from typing import Any

from psp_faults import Refused

SCHEMA = """
CREATE TABLE IF NOT EXISTS operations (
    merchant TEXT NOT NULL, reference TEXT NOT NULL, method TEXT NOT NULL, operation TEXT NOT NULL,
    request_hash TEXT NOT NULL, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL,
    PRIMARY KEY (merchant, reference));
CREATE TABLE IF NOT EXISTS movements (
    number INTEGER PRIMARY KEY, merchant TEXT NOT NULL, method TEXT NOT NULL, day TEXT NOT NULL, type TEXT NOT NULL,
    id TEXT NOT NULL, reference TEXT NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL, currency TEXT NOT NULL)
"""
FEES = {"card": (20, 150), "bank": (10, 30), "wallet": (0, 200), "pix": (1, 50), "crypto": (0, 100)}
"""What the provider keeps of a charge: fixed minor units, and basis points rounded up."""


def fee_of(method: str, amount: int) -> int:
    """The fee of a charge."""
    fixed, points = FEES[method]
    return fixed + -(-amount * points // 10_000)


class Book:
    """Operations by merchant and reference. Every method is one transaction."""

    def __init__(self, path: str) -> None:
        self.lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(SCHEMA)

    def open(self, merchant: str, method: str, operation: str, body: bytes, document: dict[str, Any]) -> dict[str, Any]:
        """The operation of a reference: written now, or as it was when the same request came before.

        Raises Refused when the reference was used for another request.
        """
        digest, reference = hashlib.sha256(body).hexdigest(), document["reference"]
        with self.lock:
            row = self._connection.execute(
                "SELECT request_hash, document FROM operations WHERE merchant = ? AND reference = ?",
                (merchant, reference),
            ).fetchone()
            if row is not None:
                if row[0] != digest:
                    raise Refused(409, "reference_reused", "another operation has this reference")
                known: dict[str, Any] = json.loads(row[1])
                return known | {"repeated": True}
            document = document | {"merchant": merchant, "method": method, "operation": operation}
            self._connection.execute(
                "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?)",
                (merchant, reference, method, operation, digest, document["id"], json.dumps(document)),
            )
            return document

    def find(self, merchant: str, reference: str) -> dict[str, Any]:
        """An operation. Raises Refused (404)."""
        return self._one("merchant = ? AND reference = ?", (merchant, reference))

    def find_by_id(self, id_: str) -> dict[str, Any]:
        """An operation by the provider's own name for it. Raises Refused (404)."""
        return self._one("id = ?", (id_,))

    def _one(self, where: str, values: tuple[str, ...]) -> dict[str, Any]:
        with self.lock:
            row = self._connection.execute(f"SELECT document FROM operations WHERE {where}", values).fetchone()  # noqa: S608 - two constants
        if row is None:
            raise Refused(404, "payment_not_found", "no operation has this reference")
        found: dict[str, Any] = json.loads(row[0])
        return found

    def change(self, document: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Write changes of an operation; a change to `captured` is a movement of money."""
        after = {key: value for key, value in (document | changes).items() if key != "repeated"}
        with self.lock:
            self._connection.execute(
                "UPDATE operations SET document = ? WHERE id = ?", (json.dumps(after), document["id"])
            )
            if changes.get("status") == "captured" and document["status"] != "captured":
                self.move(
                    after, "chargeback_won" if document.get("disputed") else after["operation"], after["amount_minor"]
                )
        return after

    def move(self, document: dict[str, Any], type_: str, amount: int) -> None:
        """Note a movement of money for the day's settlement."""
        fee = fee_of(document["method"], amount) if type_ == "charge" else 0
        day = time.strftime("%Y-%m-%d", time.gmtime())
        with self.lock:
            self._connection.execute(
                "INSERT INTO movements (merchant, method, day, type, id, reference, amount, fee, currency)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (document["merchant"], document["method"], day, type_, document["id"], document["reference"], amount,
                 fee, document["currency"]),
            )  # fmt: skip

    def movements(self, merchant: str, method: str, day: str) -> list[dict[str, Any]]:
        """The day's movements in their order."""
        columns = ("type", "id", "reference", "amount", "fee", "currency")
        with self.lock:
            rows = self._connection.execute(
                "SELECT type, id, reference, amount, fee, currency FROM movements"
                " WHERE merchant = ? AND method = ? AND day = ? ORDER BY number",
                (merchant, method, day),
            ).fetchall()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def close(self) -> None:
        with self.lock:
            self._connection.close()
