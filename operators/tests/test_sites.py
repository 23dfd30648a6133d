"""Sites of a cell: places that the catalogue does not know."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from domicile_catalog import load_catalogue
from domicile_operator.catalogue import CatalogueRulebook
from domicile_operator.cell import Cell, Site, load_cell
from domicile_operator.decide import Placed
from domicile_operator.errors import Fault, Refused
from domicile_operator.spec import TenantSpec
from operator_testkit.samples import CELL, SPEC

NEWARK = {"code": "newark-1", "territory": "US-NJ", "city": "Newark"}
JERSEY = TenantSpec.model_validate(SPEC | {"jurisdiction": "US-NJ"})
DAY = date(2026, 11, 22)


def cell(*sites: dict[str, str], places: tuple[str, ...] = ("newark-1",)) -> Cell:
    named = tuple(Site.model_validate(site) for site in sites)
    return CELL.model_copy(update={"production": False, "places": places, "sites": named})


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory: pytest.TempPathFactory) -> CatalogueRulebook:
    return CatalogueRulebook.load(tmp_path_factory.mktemp("attestations"))


def test_a_site_of_the_cell_serves_a_territory_without_a_region(rulebook: CatalogueRulebook) -> None:
    here = cell(NEWARK)
    placed = rulebook.place(JERSEY, None, here, DAY)
    assert isinstance(placed, Placed) and placed.place == "newark-1"
    law = rulebook.law(here, datetime(2026, 11, 22, tzinfo=UTC))
    assert law["places"] == "newark-1" and "casino" in law["US-NJ.products"].split(",")


def test_a_site_is_nobodys_but_the_cells(rulebook: CatalogueRulebook) -> None:
    here, elsewhere = cell(NEWARK), cell()
    for _ in range(2):  # whichever cell was asked of last
        assert isinstance(rulebook.place(JERSEY, None, here, DAY), Placed)
        refused = rulebook.place(JERSEY, None, elsewhere, DAY)
        assert isinstance(refused, Refused) and refused.code == "PLACE_UNKNOWN"


def test_a_catalogue_with_sites_is_made_once(tmp_path: Path) -> None:
    made = []

    class Counting:
        def __init__(self) -> None:
            self.known = load_catalogue()

        def with_sites(self, sites: Any) -> Any:
            made.append(1)
            return self.known.with_sites(sites)

    rulebook = CatalogueRulebook(Counting(), tmp_path)  # type: ignore[arg-type]
    for _ in range(3):
        here = cell(NEWARK)  # an equal one, read anew
        rulebook.place(JERSEY, None, here, DAY)
    assert made == [1]


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (NEWARK | {"code": "us-east-1"}, "us-east-1 exists already"),
        (NEWARK | {"territory": "ZZ"}, "stands in ZZ"),
    ],
)
def test_a_site_that_cannot_be_is_a_fault_of_the_cell(
    rulebook: CatalogueRulebook, site: dict[str, str], words: str
) -> None:
    here = cell(site)
    for ask in (lambda: rulebook.place(JERSEY, None, here, DAY), lambda: rulebook.law(here, datetime.now(UTC))):
        with pytest.raises(Fault, match=words) as raised:
            ask()
        assert raised.value.code == "CELL_UNREADABLE"
        assert "Write the ConfigMap domicile-cell" in raised.value.message


def test_a_code_that_stands_twice_is_a_fault_of_the_cell(rulebook: CatalogueRulebook) -> None:
    here = cell(NEWARK, NEWARK)
    with pytest.raises(Fault, match="newark-1 exists already"):
        rulebook.place(JERSEY, None, here, DAY)


def written(folder: Path, **more: Any) -> Path:
    document = CELL.model_dump(by_alias=True, mode="json", exclude={"ca_pem"}) | more
    (folder / "cell.yaml").write_text(yaml.safe_dump(document))
    (folder / "ca.crt").write_text(CELL.ca_pem)
    return folder


def test_the_cells_file_names_its_sites(tmp_path: Path) -> None:
    found = load_cell(written(tmp_path, sites=[NEWARK], places=["newark-1"]))
    assert found.sites == (Site.model_validate(NEWARK),)
    assert load_cell(written(tmp_path)).sites == ()


@pytest.mark.parametrize("wrong", [{"code": "Newark 1"}, {"territory": "New Jersey"}, {"city": ""}, {"city": None}])
def test_a_site_without_its_form_is_a_fault_of_the_file(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(Fault) as raised:
        load_cell(written(tmp_path, sites=[NEWARK | wrong]))
    assert raised.value.code == "CELL_UNREADABLE"
    assert next(iter(wrong)) in raised.value.message


def test_norway_is_a_territory_in_the_cells_file_too(tmp_path: Path) -> None:
    written(tmp_path)
    text = (
        (tmp_path / "cell.yaml").read_text().replace("sites: []", "sites: [{code: oslo-1, territory: NO, city: Oslo}]")
    )
    (tmp_path / "cell.yaml").write_text(text.replace("jurisdictions: []", "jurisdictions: [NO]"))
    found = load_cell(tmp_path)
    assert (found.sites[0].territory, found.jurisdictions) == ("NO", ("NO",))


def test_a_key_that_stands_twice_is_a_fault_of_the_file(tmp_path: Path) -> None:
    written(tmp_path)
    with (tmp_path / "cell.yaml").open("a") as file:
        file.write("production: true\n")
    with pytest.raises(Fault, match="'production' stands twice"):
        load_cell(tmp_path)
