"""What happens at the provider: operations of every method family, and what the world does to them afterwards."""

from __future__ import annotations

import time
import uuid
from typing import Any

from psp_book import Book
from psp_faults import CALL, Fault, Faults, Refused
from psp_methods import CARD_FAULTS, CONFIRMATIONS, DIALECTS, begin, read
from psp_settlement import settle
from psp_webhooks import Webhooks

OPERATIONS = {"charges": "charge", "refunds": "refund", "payouts": "payout"}


class NoAnswer(Exception):
    """The connection ends without an answer."""


class Rails:
    """All methods of one simulator. `origin` is where its pages are, `slow_s` how long `tok_slow` waits."""

    def __init__(self, book: Book, faults: Faults, webhooks: Webhooks, *, slow_s: float) -> None:
        self.book, self.faults, self.webhooks, self.slow_s = book, faults, webhooks, slow_s
        self.origin = ""

    def perform(self, merchant: str, method: str, operation: str, body: bytes) -> dict[str, Any]:
        """Carry out an operation, once for each reference. Raises Refused, NoAnswer."""
        request = read(method, operation, body)
        about = {"merchant": merchant, "method": method, "operation": operation, "reference": request["reference"]}
        fault = self.faults.take(CALL, about)
        if fault is None and operation == "charge" and (own := CARD_FAULTS.get(request.get("card_token", ""))):
            fault = Fault(own, seconds=self.slow_s if own == "slow" else 0.0)
        name = fault.name if fault else None
        if fault is not None and name == "slow":
            time.sleep(fault.seconds)
        if fault is not None and name == "no_effect":
            time.sleep(fault.seconds)
            raise NoAnswer
        if name == "error":
            raise Refused(500, "internal_error", "the provider failed and took nothing")
        with self.book.lock:
            if operation == "refund":
                self._check_refund(merchant, request)
            id_ = f"{method}_{uuid.uuid4().hex}"
            document = begin(method, operation, request, f"{self.origin}/pay/{id_}") | {"id": id_}
            if fault is not None and name == "decline":
                document |= {"status": "declined", "decline_code": fault.code}
            status = document["status"]
            # Written first as pending: the change to captured is what moves money.
            document = self.book.open(merchant, method, operation, body, document | {"status": "pending"})
            if not document.pop("repeated", False) and status != "pending":
                document = self.book.change(document, status=status)
                self._tell(document)
        if fault is not None and name == "lost_answer":
            time.sleep(fault.seconds)
            raise NoAnswer
        return DIALECTS[method].write(document)

    def _check_refund(self, merchant: str, request: dict[str, Any]) -> None:
        charge = self.book.find(merchant, request["of_reference"])
        key = "refund:" + request["reference"]
        refunds = charge.get("refunds", {})
        if key in refunds:
            return
        if charge["status"] != "captured" or sum(refunds.values()) + request["amount_minor"] > charge["amount_minor"]:
            raise Refused(422, "refund_too_large", "more than is left of the charge")
        self.book.change(charge, refunds=refunds | {key: request["amount_minor"]})

    def capture(self, merchant: str, method: str, reference: str) -> dict[str, Any]:
        """Capture what is authorized; a repeat answers the same. Raises Refused, NoAnswer."""
        with self.book.lock:
            document = self.book.find(merchant, reference)
            fault = self.faults.take(CALL, document | {"operation": "capture"})
            if document["status"] == "authorized" and (fault is None or fault.name == "lost_answer"):
                document = self.book.change(document, status="captured")
                self._tell(document)
            elif document["status"] not in ("authorized", "captured"):
                raise Refused(409, "not_authorized", "there is nothing to capture")
        if fault is not None:
            raise NoAnswer
        return DIALECTS[method].write(document)

    def find(self, merchant: str, method: str, reference: str) -> dict[str, Any]:
        """An operation by our merchant's reference. Raises Refused (404), NoAnswer."""
        fault = self.faults.take(CALL, {"merchant": merchant, "method": method, "operation": "status",
                                        "reference": reference})  # fmt: skip
        if fault is not None:
            raise NoAnswer
        return DIALECTS[method].write(self.book.find(merchant, reference))

    def settlement(self, merchant: str, method: str, day: str) -> str:
        """The day's settlement file."""
        return settle(method, day, merchant, self.book.movements(merchant, method, day), self.faults)

    def happen(self, merchant: str, event: dict[str, Any]) -> dict[str, Any]:
        """Something happens to an operation: see README.md, "Events". Raises Refused."""
        with self.book.lock:
            document = self.book.find(merchant, str(event.get("reference")))
            name = event.get("event")
            act = getattr(self, f"_on_{name}", None) if isinstance(name, str) and name.isidentifier() else None
            if act is None:
                raise Refused(422, "invalid_event", "there is no such event")
            after: dict[str, Any] = act(document, event)
            return DIALECTS[document["method"]].write(after)

    def visit(self, id_: str) -> None:
        """The page of a redirect was opened: that is the player's consent. Raises Refused (404)."""
        with self.book.lock:
            document = self.book.find_by_id(id_)
            if document["status"] == "pending":
                self._on_approve(document, {})

    def _tell(self, document: dict[str, Any], **more: Any) -> None:
        self.webhooks.emit(document, f"{document['operation']}.{document['status']}", **more)

    def _on_approve(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        """The player pays, perhaps another amount, perhaps from an account of somebody else's."""
        amount = event.get("amount_minor", document["amount_minor"])
        changes = {"amount_minor": amount, "owner_match": event.get("owner_match", True)}
        if document["method"] in ("bank", "wallet", "pix"):  # who paid by a chain is not known for certain
            changes["payer_token"] = event.get("payer_token", "payer_" + document["merchant"])
        after = self.book.change(document, status="captured", **changes)
        self._tell(after)
        return after

    def _on_decline(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        after = self.book.change(document, status="declined", decline_code=event.get("code", "do_not_honour"))
        self._tell(after)
        return after

    def _on_confirm(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        """A block more on top of the player's transaction; enough of them, and the charge is captured."""
        count = document["confirmations"] + event.get("blocks", 1)
        after = self.book.change(document, confirmations=count, tx_hash=document.get("tx_hash", "tx" + document["id"]))
        if document["status"] == "pending" and count >= CONFIRMATIONS:
            after = self.book.change(after, status="captured", disputed=0)
            # What a reorganisation took and the chain has brought back is no second deposit.
            if document.get("disputed"):
                self.webhooks.emit(after, "chargeback.won")
            else:
                self._tell(after)
        elif document["status"] == "pending":
            self.webhooks.emit(after, "charge.seen")
        return after

    def _on_reorg(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        """The chain drops the player's transaction: what was captured by it is gone."""
        was_captured = document["status"] == "captured"
        lost = document["amount_minor"] if was_captured else 0
        after = self.book.change(document, status="pending", confirmations=0, disputed=lost)
        if was_captured:
            self.book.move(after, "chargeback", after["amount_minor"])
        self.webhooks.emit(after, "charge.reorged")
        return after

    def _on_chargeback(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        amount = document["amount_minor"] - sum(document.get("refunds", {}).values())
        after = self.book.change(document, disputed=amount)
        self.book.move(after, "chargeback", amount)
        self.webhooks.emit(after, "chargeback.opened")
        return after

    def _on_chargeback_won(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        self.book.move(document, "chargeback_won", document["disputed"])
        self.webhooks.emit(document, "chargeback.won")
        return document

    def _on_chargeback_lost(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        self.webhooks.emit(document, "chargeback.lost")
        return document

    def _on_payout_return(self, document: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        self.book.move(document, "payout_return", document["amount_minor"])
        self.webhooks.emit(document, "payout.returned")
        return document
