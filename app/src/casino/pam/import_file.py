"""The file of players and opening balances from another casino: its columns, and every fault in it. Pure.

CSV (RFC 4180) in UTF-8 with a header. Faults name line and column and never quote a value: the report may be mailed.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from casino.kernel.money import MAX_AMOUNT_MINOR
from casino.pam.fields import FIELDS, email_key
from casino.pam.models import email_address
from casino.pam.status import Status

REQUIRED = ("external_id", "email", "date_of_birth", "balance_minor", "currency")
OPTIONAL = ("status", "password_hash", *FIELDS)
IMPORTED_STATUS = (Status.ACTIVE, Status.PENDING_VERIFICATION, Status.RESTRICTED, Status.SUSPENDED,
                   Status.SELF_EXCLUDED)  # fmt: skip
LONGEST_VALUE = 1000

_EXTERNAL_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_AMOUNT = re.compile(r"0|[1-9]\d{0,17}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ARGON2ID = re.compile(r"\$argon2id\$v=19\$m=\d{3,7},t=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}")


@dataclass(frozen=True, slots=True)
class Fault:
    """`column` is empty where the line as a whole is at fault."""

    line: int
    column: str
    what: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A line that can be imported. `person` is what is sealed."""

    line: int
    person: dict[str, str] = field(repr=False)
    password_hash: str | None = field(repr=False)
    status: Status
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds for every line: the tenant's currency, the rules' fields, and who is too young (raises)."""

    currency: str
    required: tuple[str, ...]
    check_age: Callable[[date], None]


def read(lines: Iterable[str], conditions: Conditions) -> Iterator[ImportRow | Fault]:
    """Each line as a row, or as every fault that it has. A faulty header is faults alone."""
    csv.field_size_limit(64 * 1024)
    reader = csv.reader(lines, strict=True)
    header = next(_rows(reader), None)
    if not isinstance(header, list):
        yield header or Fault(1, "", "the file is empty")
        return
    faults = _header_faults(header)
    yield from faults
    if faults:
        return
    seen: dict[str, set[bytes]] = {"external_id": set(), "email": set()}
    for values in _rows(reader):
        if isinstance(values, Fault):
            yield values
            return  # after broken quoting nobody knows where the next line begins
        if len(values) != len(header):
            yield Fault(reader.line_num, "", f"has {len(values)} fields and the header {len(header)}")
            continue
        found, faults = _row(reader.line_num, dict(zip(header, values, strict=True)), conditions)
        yield from (*faults, *_repeated(reader.line_num, dict(zip(header, values, strict=True)), seen))
        if found is not None and not faults:
            yield found


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str] | Fault]:
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Fault(getattr(reader, "line_num", 0), "", "is no CSV: quoting or length")
            return
        if values:
            yield values


def _header_faults(header: list[str]) -> list[Fault]:
    faults = [Fault(1, name, "is missing") for name in REQUIRED if name not in header]
    faults += [Fault(1, "", f"column {place} is unknown") for place, name in enumerate(header, 1)
               if name not in (*REQUIRED, *OPTIONAL)]  # fmt: skip
    return faults + [Fault(1, name, "is there twice") for name in sorted(set(header)) if header.count(name) > 1]


def _repeated(line: int, values: Mapping[str, str], seen: dict[str, set[bytes]]) -> Iterator[Fault]:
    # Digests of 16 bytes, since a file may have millions of lines: two that are equal by accident do not happen.
    for column, known in seen.items():
        key = email_key(values[column].strip()) if column == "email" else values[column]
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()[:16]
        if digest in known:
            yield Fault(line, column, "was on a line before")
        known.add(digest)


def _row(line: int, values: dict[str, str], conditions: Conditions) -> tuple[ImportRow | None, list[Fault]]:
    faults: list[Fault] = []

    def check(column: str, how: Callable[[str], str]) -> str:
        try:
            value = values[column]
            value.encode()
            if len(value) > LONGEST_VALUE:
                raise ValueError(f"has more than {LONGEST_VALUE} characters")
            return how(value)
        except UnicodeEncodeError:
            faults.append(Fault(line, column, "is not UTF-8"))
        except ValueError as error:
            faults.append(Fault(line, column, str(error)))
        return ""

    def born(value: str) -> str:
        conditions.check_age(_date(value))
        return value

    person = {"email": check("email", email_address), "date_of_birth": check("date_of_birth", born)}
    for name, definition in FIELDS.items():
        if values.get(name, "").strip():
            person[name] = check(name, definition.check)
        elif name in conditions.required:
            faults.append(Fault(line, name, "is required here"))
    person["external_id"] = check("external_id", _matching(_EXTERNAL_ID, "has to be 1 to 64 letters and digits"))
    amount = check("balance_minor", _amount)
    currency = check("currency", _matching(re.compile(conditions.currency), f"has to be {conditions.currency}"))
    password_hash = check("password_hash", _password_hash) if values.get("password_hash") else None
    status = check("status", _status) if values.get("status") else Status.ACTIVE.value
    if faults:
        return None, faults
    return ImportRow(line, person, password_hash, Status(status), int(amount), currency), faults


def _matching(pattern: re.Pattern[str], hint: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(hint)
        return value

    return check


def _date(value: str) -> date:
    if not _DATE.fullmatch(value):
        raise ValueError("is not a date such as 1990-02-28")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("is not a date that there is") from None


def _amount(value: str) -> str:
    if not _AMOUNT.fullmatch(value) or not value.isascii() or int(value) > MAX_AMOUNT_MINOR:
        raise ValueError("has to be a whole number of minor units, not negative")
    return value


def _password_hash(value: str) -> str:
    if not _ARGON2ID.fullmatch(value):
        raise ValueError("has to be an argon2id hash ($argon2id$v=19$...), or empty")
    return value


def _status(value: str) -> str:
    if value not in IMPORTED_STATUS:
        raise ValueError(f"has to be one of {', '.join(IMPORTED_STATUS)}")
    return value
