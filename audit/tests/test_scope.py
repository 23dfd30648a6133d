"""Where each class of data may rest, as the catalogue answers it, with the words and the source to cite."""

from datetime import date

import pytest
from domicile_audit.scope import jurisdiction_law, lawful_places, laws_of
from domicile_catalog import Catalogue, DataClass, Placement, Product, Question, load_catalogue, place

ON = date(2026, 11, 24)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize("code", ["GB", "BR", "DE", "MT", "US-NJ"])
def test_the_law_is_what_place_answers(catalogue: Catalogue, code: str) -> None:
    law = jurisdiction_law(catalogue, code, on=ON, production=False)
    for name in DataClass:
        told = [
            place(
                catalogue,
                Question(jurisdiction=code, product=product, data_class=name, production=False, on=ON),
            )
            for product in Product
        ]
        allowed = next((one.allowed for one in told if isinstance(one, Placement)), ())
        assert law.by_class[name].places == tuple(sorted(allowed)), name
        assert law.by_class[name].why


def test_a_placed_class_cites_its_residency_fact(catalogue: Catalogue) -> None:
    law = jurisdiction_law(catalogue, "BR", on=ON, production=False).by_class[DataClass.WAGERING]
    assert law.fact in ("data_residency", "primary_region")
    assert law.confidence is not None
    assert law.why.startswith("wagering may rest")


def test_a_class_that_may_rest_nowhere_cites_the_refusal(catalogue: Catalogue) -> None:
    """New Jersey keeps the gaming system on its own ground, where no AWS region stands."""
    law = jurisdiction_law(catalogue, "US-NJ", on=ON, production=False).by_class[DataClass.WAGERING]
    assert law.places == ()
    assert "New Jersey" in law.why


def test_jurisdictions_together_may_keep_data_only_where_each_may(catalogue: Catalogue) -> None:
    codes = ("GB", "BR")
    laws = laws_of(catalogue, codes, on=ON, production=False)
    together = lawful_places(catalogue, codes, on=ON, production=False)
    for name in DataClass:
        assert together[name] == set(laws["GB"].by_class[name].places) & set(laws["BR"].by_class[name].places)
    assert not any(lawful_places(catalogue, (), on=ON, production=False).values())
