"""The file of a release's signed games, as the program reads it."""

from pathlib import Path

import pytest
from domicile_catalog.environment import Release
from domicile_infra.cell_program import _games_manifest
from domicile_infra.plan.errors import PlanError
from pydantic import ValidationError

RELEASE = Release.model_validate(
    {"operatorImage": "operator:1", "casinoImage": "casino:1", "gamesManifest": "games.json"}
)


def test_the_manifest_lies_beside_the_environments_file(tmp_path: Path) -> None:
    (tmp_path / "games.json").write_text("{}\n")
    assert _games_manifest(tmp_path, RELEASE) == "{}\n"
    assert _games_manifest(tmp_path, RELEASE.model_copy(update={"games_manifest": None})) is None
    assert _games_manifest(tmp_path, None) is None


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_one_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "games.json").write_bytes(content)
    with pytest.raises(PlanError, match=r"gamesManifest games\.json cannot be read"):
        _games_manifest(tmp_path, RELEASE)


@pytest.mark.parametrize("name", ["../games.json", "a/b.json", ""])
def test_it_lies_nowhere_else(name: str) -> None:
    with pytest.raises(ValidationError):
        Release.model_validate({"operatorImage": "o:1", "casinoImage": "c:1", "gamesManifest": name})
