"""What was read of mounted folders is kept while its files are the same, and no longer."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from domicile_operator.catalogue import CatalogueRulebook
from domicile_operator.files import Unchanged
from domicile_operator.spec import TenantSpec
from operator_testkit.samples import CELL, SPEC


class Reader:
    times = 0

    def __call__(self) -> object:
        self.times += 1
        return object()


def test_the_same_files_are_read_once_and_another_question_anew(tmp_path: Path) -> None:
    (tmp_path / "cell.yaml").write_text("a")
    kept, read = Unchanged[object](tmp_path, None, tmp_path / "nowhere"), Reader()
    assert kept.of(read) is kept.of(read)
    assert read.times == 1
    kept.of(read, "another")
    assert read.times == 2


def test_a_file_that_is_written_added_or_taken_away_is_noticed(tmp_path: Path) -> None:
    one, kept, read = tmp_path / "one", Unchanged[object](tmp_path), Reader()
    kept.of(read)
    for change in (lambda: one.write_text("a"), lambda: one.write_text("b"), one.unlink):
        change()
        os.utime(tmp_path)
        kept.of(read)
    assert read.times == 4


def test_a_mounted_configmap_whose_link_is_turned_is_noticed(tmp_path: Path) -> None:
    """As the kubelet writes it: a folder of links, through one link that is turned."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "cell.yaml").write_text("same size")
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "..data").symlink_to(tmp_path / "one")
    (mount / "cell.yaml").symlink_to("..data/cell.yaml")
    kept, read = Unchanged[object](mount), Reader()
    kept.of(read)
    (mount / "new").symlink_to(tmp_path / "two")
    (mount / "new").replace(mount / "..data")
    kept.of(read)
    assert read.times == 2


def test_what_could_not_be_read_is_read_again(tmp_path: Path) -> None:
    kept = Unchanged[object](tmp_path)
    with pytest.raises(ValueError, match="no"):
        kept.of(lambda: int("no"))
    assert kept.of(lambda: 1) == 1


def test_tenants_who_ask_the_same_are_placed_once_and_by_another_law_anew(tmp_path: Path) -> None:
    rulebook, spec = CatalogueRulebook.load(tmp_path), TenantSpec.model_validate(SPEC)
    today = rulebook.local_day("GB", CELL, datetime(2026, 12, 1, tzinfo=UTC))
    first = rulebook.place(spec, None, CELL, today)
    assert rulebook.place(spec.model_copy(update={"brand": "Another"}), None, CELL, today) is first
    assert rulebook.place(spec, "eu-west-2", CELL, today) is not first
    assert rulebook.place(spec, None, CELL.model_copy(), today) is not first
    again = rulebook.place(spec, None, CELL, today)
    assert again == first and again is not first
