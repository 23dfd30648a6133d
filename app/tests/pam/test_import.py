"""Importing players and opening balances: judged whole, written once, resumed by line, reconciled, taken back."""

from __future__ import annotations

import csv
import io
import json
import stat
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from casino.pam import importer as importing
from casino.pam.import_file import REQUIRED, Conditions, Fault, ImportRow, read
from casino.pam.importer import Importer, ImportRefused, Report
from casino.pam.module import PlayerModule
from hypothesis import given, settings
from hypothesis import strategies as st

HEADER = [*REQUIRED, "given_name", "family_name", "status"]
PASSWORD = "correct horse battery"


def no_age(_: date) -> None:
    """Everybody is old enough."""


CONDITIONS = Conditions("GBP", (), no_age)


def line(number: int, **changes: str) -> dict[str, str]:
    return {
        "external_id": f"old-{number}", "email": f"player{number}@old.test", "date_of_birth": "1980-01-01",
        "balance_minor": str(number * 7 % 1000), "currency": "GBP", "given_name": "Ada", "family_name": "Byron",
        "status": "",
    } | changes  # fmt: skip


def text_of(rows: list[dict[str, str]], header: list[str] = HEADER) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def found_in(text: str, conditions: Conditions = CONDITIONS) -> list[ImportRow | Fault]:
    return list(read(io.StringIO(text, newline=""), conditions))


def test_every_fault_of_every_line_is_named_and_no_value_is_quoted() -> None:
    rows = [
        line(1),
        line(2, email="nobody", date_of_birth="1980-02-30", balance_minor="-5", currency="EUR", status="merged"),
        line(3, balance_minor="1.50", external_id="old 3"),
        line(4, email="PLAYER1@old.test", external_id="old-1"),
        line(5, balance_minor="٣", given_name="R2D2"),
    ]
    found = found_in(text_of(rows))
    faults = {(one.line, one.column) for one in found if isinstance(one, Fault)}
    assert faults == {
        (3, "email"), (3, "date_of_birth"), (3, "balance_minor"), (3, "currency"), (3, "status"),
        (4, "balance_minor"), (4, "external_id"), (5, "email"), (5, "external_id"),
        (6, "balance_minor"), (6, "given_name"),
    }  # fmt: skip
    assert [one.line for one in found if isinstance(one, ImportRow)] == [2, 5]
    assert not any(value in one.what for one in found if isinstance(one, Fault) for value in ("nobody", "R2D2", "1.50"))


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", [Fault(1, "", "the file is empty")]),
        ("email\n", [Fault(1, name, "is missing") for name in REQUIRED if name != "email"]),
        (",".join([*REQUIRED, "shoe_size"]), [Fault(1, "", "column 6 is unknown")]),
        (",".join([*REQUIRED, "email"]), [Fault(1, "email", "is there twice")]),
        (",".join(REQUIRED) + "\na,b\n", [Fault(2, "", "has 2 fields and the header 5")]),
        (",".join(REQUIRED) + '\na,"b"c,d,e,f\n', [Fault(2, "", "is no CSV: quoting or length")]),
    ],
)
def test_a_file_that_is_none_is_told_where(text: str, faults: list[Fault]) -> None:
    assert found_in(text) == faults


def test_bytes_that_are_no_text_are_a_fault_of_their_line() -> None:
    text = text_of([line(1, given_name="caf\udce9"), line(2)])
    found = found_in(text)
    assert found[0] == Fault(2, "given_name", "is not UTF-8") and isinstance(found[1], ImportRow)


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_whatever_the_file_holds_it_is_read_to_rows_and_faults(text: str) -> None:
    for one in found_in(",".join(REQUIRED) + "\n" + text):
        assert isinstance(one, ImportRow | Fault)


class FakeLedger:
    """Opening balances in memory; `fails_after` posts, the ledger goes away."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.standing: dict[str, tuple[uuid.UUID, int, str]] = {}
        self.played: set[uuid.UUID] = set()
        self.fails_after = fails_after
        self.off_by = 0

    async def post(self, player_id: uuid.UUID, amount_minor: int, currency: str, reference: str) -> None:
        if self.fails_after is not None:
            if self.fails_after == 0:
                raise ConnectionError("the ledger is away")
            self.fails_after -= 1
        known = self.standing.setdefault(reference, (player_id, amount_minor, currency))
        assert known == (player_id, amount_minor, currency)

    async def reverse(self, player_id: uuid.UUID, amount_minor: int, currency: str, reference: str) -> None:
        self.standing.pop(reference, None)

    async def total(self, reference_prefix: str) -> dict[str, int]:
        totals: Counter[str] = Counter()
        for reference, (_, amount, currency) in self.standing.items():
            if reference.startswith(reference_prefix):
                totals[currency] += amount + self.off_by
        return dict(totals)

    async def played_with(self, player_ids: Any) -> set[uuid.UUID]:
        return self.played & set(player_ids)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: list[dict[str, str]], name: str = "players.csv") -> Path:
        path = tmp_path / name
        path.write_text(text_of(rows), newline="")
        return path

    return write


def quiet(*_: Any) -> None:
    """Progress that nobody watches."""


async def check(importer: Importer, path: Path) -> tuple[Report, list[Fault]]:
    faults: list[Fault] = []
    return await importer.check(path, faults.append, quiet), faults


async def test_players_come_over_with_their_balances_to_the_cent(casino: Any, write: Any) -> None:
    from argon2 import PasswordHasher

    module, ledger = casino.part(PlayerModule), FakeLedger()
    importer = Importer(module, ledger)
    old_hash = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    rows = [line(number) for number in range(1, 451)]
    path = write(rows)
    path.write_text(
        text_of([row | {"password_hash": old_hash if row["external_id"] == "old-7" else ""} for row in rows],
                [*HEADER, "password_hash"]), newline="",
    )  # fmt: skip
    report, faults = await check(importer, path)
    expected = sum(int(row["balance_minor"]) for row in rows)
    assert not faults and report.totals == {"GBP": expected} and report.state == "checked"
    assert await module.repository.pool.fetchval("SELECT count(*) FROM pam.players") == 0  # checking writes nothing
    done = await importer.run(path, report, quiet)
    assert (done.state, done.imported, done.posted) == ("done", 450, {"GBP": expected})
    assert len(ledger.standing) == sum(row["balance_minor"] != "0" for row in rows)
    with pytest.raises(ImportRefused, match="imported before"):
        await importer.run(path, (await check(importer, path))[0], quiet)
    # A hash that came along still opens the account, and is made anew; who has none asks for a reset first.
    assert (await casino.login("player7@old.test")).status_code == 201
    player = await module.accounts.find("player7@old.test")
    assert player.password_hash != old_hash
    assert (await module.accounts.person(player))["external_id"] == "old-7"
    assert (await casino.login("player8@old.test")).status_code == 401


async def test_addresses_that_have_an_account_are_faults_and_nothing_is_imported(casino: Any, write: Any) -> None:
    assert (await casino.register(email="Player2@OLD.test")).status_code == 201
    importer = Importer(casino.part(PlayerModule), FakeLedger())
    path = write([line(1), line(2), line(3, date_of_birth="2020-01-01")])
    report, faults = await check(importer, path)
    assert faults == [
        Fault(4, "date_of_birth", "is refused: min_age_years"),
        Fault(3, "email", "has an account already"),
    ]
    with pytest.raises(ImportRefused):
        await importer.run(path, report, quiet)
    assert await casino.part(PlayerModule).repository.pool.fetchval("SELECT count(*) FROM pam.players") == 1


@pytest.mark.parametrize("fails_after", [0, 1, 7, 24])
async def test_an_import_that_was_cut_short_is_resumed_and_nothing_is_posted_twice(
    casino: Any, write: Any, fails_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 5)
    module, ledger = casino.part(PlayerModule), FakeLedger(fails_after)
    importer = Importer(module, ledger)
    path = write([line(number) for number in range(1, 26)])
    report, _ = await check(importer, path)
    with pytest.raises(ConnectionError):
        await importer.run(path, report, quiet)
    again, faults = await check(importer, path)  # the addresses that are taken are the batch's own
    assert not faults
    ledger.fails_after = None
    with pytest.raises(ImportRefused, match="begun before"):
        await importer.run(path, again, quiet)
    done = await importer.run(path, again, quiet, resume=True)
    assert done.state == "done" and done.imported == 25
    assert await ledger.total("import:") == report.totals
    assert await module.repository.pool.fetchval("SELECT count(*) FROM pam.players") == 25


async def test_a_ledger_that_is_off_by_a_cent_leaves_the_batch_open(casino: Any, write: Any) -> None:
    ledger = FakeLedger()
    importer = Importer(casino.part(PlayerModule), ledger)
    path = write([line(1)])
    ledger.off_by = 1
    report, _ = await check(importer, path)
    with pytest.raises(ImportRefused, match="file 7, lines 7, ledger 8"):
        await importer.run(path, report, quiet)
    ledger.off_by = 0
    assert (await importer.run(path, report, quiet, resume=True)).state == "done"


async def test_a_batch_nobody_has_played_with_is_taken_back_whole(
    casino: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 4)
    module, ledger = casino.part(PlayerModule), FakeLedger()
    importer = Importer(module, ledger)
    path = write([line(number) for number in range(1, 11)])
    report = await importer.run(path, (await check(importer, path))[0], quiet)
    batch = uuid.UUID(report.batch_id)
    player = await module.accounts.find("player9@old.test")
    ledger.played.add(player.player_id)
    with pytest.raises(ImportRefused, match="played or deposited"):
        await importer.undo(batch, quiet)
    assert len(ledger.standing) == 10
    ledger.played.clear()
    assert await importer.undo(batch, quiet) == 10
    assert not ledger.standing and await module.accounts.find("player9@old.test") is None
    with pytest.raises(ImportRefused):
        await importer.undo(batch, quiet)
    # The same file may come again: neither its digest nor its addresses stand in the way.
    again = await importer.run(path, (await check(importer, path))[0], quiet)
    assert again.state == "done" and again.batch_id != report.batch_id


async def test_balances_are_not_imported_where_the_ledger_takes_none(casino: Any, write: Any) -> None:
    importer = Importer(casino.part(PlayerModule), None)
    path = write([line(1)])
    with pytest.raises(ImportRefused, match="takes no opening balances"):
        await importer.run(path, (await check(importer, path))[0], quiet)
    path = write([line(number, balance_minor="0") for number in range(3)], "empty.csv")
    assert (await importer.run(path, (await check(importer, path))[0], quiet)).imported == 3


def test_the_command_reports_faults_to_a_file_of_its_owner(
    casino_process_environment: dict[str, str], write: Any, tmp_path: Path
) -> None:
    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        command = [sys.executable, "-m", "casino", "players", "import", *arguments, "--json"]
        done = subprocess.run(command, env=casino_process_environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)

    faulty = write([line(1, balance_minor="0"), line(2, email="nobody")])
    code, outcome = run(str(faulty))
    assert code == 1 and outcome["faults"] == 1 and outcome["batch_id"] is None
    report = Path(outcome["report"])
    assert list(csv.reader(report.open())) == [["line", "column", "fault"], ["3", "email", "is not an e-mail address"]]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    good = write([line(1, balance_minor="0"), line(2, balance_minor="0")], "good.csv")
    code, outcome = run(str(good))
    assert (code, outcome["state"], outcome["imported"]) == (0, "done", 2)
    assert not (tmp_path / "good.csv.faults.csv").exists()
