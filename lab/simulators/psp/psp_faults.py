"""The faults that a real provider has, scripted: each is used up by the operations that it fits."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

CALL = {"lost_answer", "no_effect", "error", "slow", "decline"}
"""Of a call: it takes effect but its answer is lost; it has no effect and no answer; 500; late; declined."""
WEBHOOK = {"webhook_late", "webhook_duplicate", "webhook_wrong_signature", "webhook_lost"}
SETTLEMENT = {
    "settlement_missing", "settlement_extra", "settlement_amount", "settlement_fee", "settlement_duplicate",
}  # fmt: skip
NAMES = CALL | WEBHOOK | SETTLEMENT


class Refused(Exception):
    """An error answer: HTTP status, stable code, sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Fault:
    """One fault. Null for `merchant`, `method`, `operation` or `reference` means any. It serves `times` times."""

    name: str
    merchant: str | None = None
    method: str | None = None
    operation: str | None = None
    reference: str | None = None
    times: int = 1
    code: str = "processor_unavailable"
    seconds: float = 0.0
    by: int = 1

    @classmethod
    def read(cls, merchant: str, fields: dict[str, Any]) -> Fault:
        """A fault from the control endpoint's body, for that merchant. Raises Refused."""
        kinds: dict[str, type | tuple[type, ...]] = {
            "name": str, "method": str, "operation": str, "reference": str, "times": int, "code": str,
            "seconds": (int, float), "by": int,
        }  # fmt: skip
        wrong = [name for name, value in fields.items() if not isinstance(value, kinds.get(name, ()))]
        if wrong or fields.get("name") not in NAMES:
            raise Refused(422, "invalid_fault", f"a fault is one of {', '.join(sorted(NAMES))}; wrong: {wrong}")
        return cls(merchant=merchant, **fields)

    def fits(self, operation: dict[str, Any]) -> bool:
        return all(
            wanted is None or wanted == operation.get(field)
            for field, wanted in (
                ("merchant", self.merchant), ("method", self.method), ("operation", self.operation),
                ("reference", self.reference),
            )
        )  # fmt: skip


class Faults:
    """The scripted faults in the order in which they were given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self, merchant: str) -> None:
        with self._lock:
            self._faults = [one for one in self._faults if one.merchant != merchant]

    def list(self, merchant: str) -> list[dict[str, Any]]:
        with self._lock:
            return [vars(one) for one in self._faults if one.merchant == merchant]

    def take(self, names: set[str], operation: dict[str, Any]) -> Fault | None:
        """The first fault of `names` that fits, used once."""
        with self._lock:
            for fault in self._faults:
                if fault.name in names and fault.fits(operation):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
        return None
