"""A sealed month as a file, and its verification without the casino.

JSON lines, in this order:
- `{"format": 1, "seal": document, "digest": hex}`: the seal's document as it was hashed (migration 0019);
- `{"chain", "from": [links, head], "to": [links, head]}` for each hash chain, by its number;
- `{"account", "from": [version, balance], "to": [version, balance]}` for each account in it, by its number;
- `{"chain", "link", "content", "postings"}` for each transaction, by chain and link: the month's own, and those of
  earlier months that their seal had to leave open. A posting is `leg,currency,amount,debit account,version,balance
  before,credit account,version,balance before`, and postings are parted by semicolons;
- `{"end": transactions}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

FORMAT = 1
MOST_FAULTS = 50
_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Posting:
    """A leg of a transaction; amounts and balances in minor units."""

    leg: int
    currency: str
    amount: int
    debit_account: int
    debit_version: int
    debit_before: int
    credit_account: int
    credit_version: int
    credit_before: int

    @classmethod
    def parse(cls, text: str) -> Posting:
        leg, currency, *numbers = text.split(",")
        return cls(int(leg), currency, *(int(number) for number in numbers))


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction of a file. `legs` is what its chain hashed of the postings: nothing of a round's."""

    transaction_id: str
    kind: str
    account_id: int
    account_version: int
    currency: str
    taken: int
    given: int
    balance_after: int
    epoch: str
    details: str
    legs: str
    chain: int
    link: int
    content: str
    postings: tuple[Posting, ...]

    @classmethod
    def parse(cls, line: Mapping[str, Any]) -> Entry:
        head, legs = line["content"].rsplit("|", 1)
        id_, kind, account, version, currency, taken, given, balance, epoch, details = head.split("|", 9)
        return cls(
            id_, kind, int(account), int(version), currency, int(taken), int(given), int(balance), epoch, details,
            legs, line["chain"], line["link"], line["content"],
            tuple(Posting.parse(one) for one in line["postings"].split(";")),
        )  # fmt: skip

    @property
    def created_at(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(Decimal(self.epoch) * 1_000_000))

    def is_told_by_its_postings(self) -> bool:
        """Whether what the chain hashed is what the postings move."""
        if self.kind != "round":
            told = "".join(f"{p.debit_account}>{p.credit_account}:{p.amount} " for p in self.postings)
            return told == self.legs
        taken = [p.amount for p in self.postings if p.debit_account == self.account_id]
        given = [p.amount for p in self.postings if p.credit_account == self.account_id]
        return (sum(taken), sum(given), len(taken) + len(given)) == (self.taken, self.given, len(self.postings))


@dataclass(slots=True)
class MonthVerdict:
    """What a file holds, and what does not hold in it. `digest` is the seal's."""

    month: str = ""
    digest: str = ""
    transactions: int = 0
    postings: int = 0
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.faults,
            "month": self.month,
            "digest": self.digest,
            "transactions": self.transactions,
            "postings": self.postings,
            "faults": self.faults,
        }


class _Fold:
    """A chain of hashes as the database folds it; None before the first link."""

    def __init__(self, head: bytes = b"") -> None:
        self._head = head
        self._begun = bool(head)

    def add(self, text: str) -> None:
        self._head = hashlib.sha256(self._head + text.encode()).digest()
        self._begun = True

    @property
    def hex(self) -> str | None:
        return self._head.hex() if self._begun else None


def bounds(month: str) -> tuple[str, str]:
    """The identifiers of a month `YYYY-MM`: from the first, up to but without the second."""
    year, number = (int(part) for part in month.split("-"))
    starts = datetime(year, number, 1, tzinfo=UTC), datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    first, after = (f"{int(at.timestamp()) * 1000:012x}" for at in starts)
    return f"{first[:8]}-{first[8:]}-7000-8000-000000000000", f"{after[:8]}-{after[8:]}-7000-8000-000000000000"


class _Month:
    """What is gathered while a file is read."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        if line["format"] != FORMAT:
            raise ValueError("another format")
        self.document: dict[str, Any] = json.loads(line["seal"])
        self.verdict = MonthVerdict(self.document["month"], line["digest"])
        self.first, self.after = bounds(self.verdict.month)
        if hashlib.sha256(line["seal"].encode()).hexdigest() != line["digest"]:
            self.fault("the seal's document has another digest")
        self.chains: dict[int, tuple[Sequence[Any], Sequence[Any]]] = {}
        self.accounts: dict[int, tuple[int, int]] = {}
        self.folds = {name: _Fold() for name in ("chains", "accounts", "openings", "journal", "carried", "beyond")}
        self.chain, self.link, self.head = 0, 0, _Fold()
        self.sums: dict[tuple[str, str], list[int]] = {}
        self.ended: set[int] = set()
        # Every entry leads from a state of its account to the next one: what enters and leaves each state cancels out
        # but for where an account began and where it ended, in whatever order entries come.
        self.states, self.entries = 0, 0
        self.rows = 0

    def fault(self, text: str) -> None:
        if len(self.verdict.faults) < MOST_FAULTS:
            self.verdict.faults.append(text)

    def opens_chain(self, line: Mapping[str, Any]) -> None:
        (links, head), to = line["from"], line["to"]
        self.chains[line["chain"]] = ((links, head), to)
        self.folds["chains"].add(f"{line['chain']},{to[0]},{to[1]}")

    def opens_account(self, line: Mapping[str, Any]) -> None:
        account, (version, balance), (last, ending) = line["account"], line["from"], line["to"]
        if account in self.accounts:
            raise ValueError("an account twice")
        self.accounts[account] = (version, last)
        self.folds["openings"].add(f"{account},{version},{balance}")
        if last != version:
            self.folds["accounts"].add(f"{account},{last},{ending}")
        self.entries -= last - version
        self.states += _state(account, version, balance) - _state(account, last, ending)

    def takes(self, line: Mapping[str, Any]) -> None:
        entry = Entry.parse(line)
        self.rows += 1
        beyond = self._follow(entry)
        for posting in entry.postings:
            debit = posting.debit_account, posting.debit_version, posting.debit_before, -posting.amount
            credit = posting.credit_account, posting.credit_version, posting.credit_before, posting.amount
            for account, version, before, amount in (debit, credit):
                opening, last = self.accounts[account]
                beyond = beyond or version > last
                if opening < version <= last:
                    self.entries += 1
                    self.states += _state(account, version, before + amount) - _state(account, version - 1, before)
        whole = f"{entry.chain},{entry.link}|{entry.content}#{line['postings']}"
        if self.first <= entry.transaction_id < self.after:
            self.verdict.transactions += 1
            self.verdict.postings += len(entry.postings)
            self.folds["journal"].add(whole)
            found = self.sums.setdefault((entry.kind, entry.currency), [0, 0, 0])
            for at, number in enumerate((1, entry.taken, entry.given)):
                found[at] += number
        elif entry.transaction_id < self.first:
            self.folds["carried"].add(whole)
        else:
            self.fault(f"{entry.transaction_id} is of a later month")
        if beyond:
            self.folds["beyond"].add(whole)
        if not entry.is_told_by_its_postings():
            self.fault(f"{entry.transaction_id} moves something else than its chain says")

    def _follow(self, entry: Entry) -> bool:
        """Follow the chain; true for a link that lies beyond where the seal ends it."""
        (links, head), (last, _) = self.chains.get(entry.chain, ((0, ""), (0, "")))
        if entry.chain != self.chain:
            self.ends_chain()
            self.chain, self.link, self.head = entry.chain, links, _Fold(bytes.fromhex(head))
        if not links < entry.link <= last:
            return bool(entry.link > last)
        self.link += 1
        if entry.link != self.link:
            self.fault(f"chain {self.chain} has link {entry.link} where {self.link} is due")
            self.link = entry.link
        self.head.add(entry.content)
        return False

    def ends_chain(self) -> None:
        if self.chain in self.chains:
            self.ended.add(self.chain)
            if [self.link, self.head.hex or ""] != list(self.chains[self.chain][1]):
                self.fault(f"chain {self.chain} does not end as its seal says")

    def ends(self) -> MonthVerdict:
        self.ends_chain()
        for chain in self.chains.keys() - self.ended:
            if list(self.chains[chain][0]) != list(self.chains[chain][1]):
                self.fault(f"chain {chain} grew without a transaction")
        for name, fold in self.folds.items():
            if fold.hex != self.document[name]:
                self.fault(f"the {name} are not those that were sealed")
        if self.states % _MODULUS or self.entries:
            self.fault("the entries do not lead from the opening balances to the closing ones")
        sums = [
            {"kind": kind, "currency": currency, "transactions": count, "taken": taken, "given": given}
            for (kind, currency), (count, taken, given) in self.sums.items()
        ]
        told = self.document
        counts = (told["transactions"], told["postings"])
        if (self.verdict.transactions, self.verdict.postings) != counts or _sorted(sums) != _sorted(told["sums"]):
            self.fault("counts or sums are not those that were sealed")
        return self.verdict


def verify_month(lines: Iterable[str]) -> MonthVerdict:
    """Verify a file from its first line to its last, in one pass. Faults are told, never raised."""
    month: _Month | None = None
    ended = False
    place = 0
    try:
        for number, line in _parsed(lines):
            place = number
            if month is None:
                month = _Month(line)
            elif ended:
                raise ValueError("more after the end")
            elif "content" in line:
                month.takes(line)
            elif "account" in line:
                month.opens_account(line)
            elif "chain" in line:
                month.opens_chain(line)
            elif line["end"] == month.rows:
                ended = True
            else:
                raise ValueError("another number of transactions")
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        verdict = month.verdict if month is not None else MonthVerdict()
        verdict.faults.append(f"line {place} is none of a sealed month's: {type(error).__name__}")
        return verdict
    if month is None or not ended:
        verdict = month.verdict if month is not None else MonthVerdict()
        verdict.faults.append("the file ends too early")
        return verdict
    return month.ends()


def _parsed(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, text in enumerate(lines, start=1):
        try:
            yield number, json.loads(text)
        except ValueError:
            yield number, None


def _state(account: int, version: int, balance: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{account},{version},{balance}".encode()).digest(), "big")


def _sorted(sums: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted((s["kind"], s["currency"], s["transactions"], s["taken"], s["given"]) for s in sums)
