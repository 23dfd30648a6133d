"""Two jurisdictions in one cell, and the time that deciding everything takes."""

from datetime import date
from itertools import combinations

from domicile_catalog import TenantRequest, co_tenancy, load_catalogue, place_tenant
from domicile_catalog.vocabulary import DataClass, Residency
from hypothesis import given, settings
from hypothesis import strategies as st

CATALOGUE = load_catalogue()
TODAY = date(2026, 6, 1)
codes = st.sampled_from(sorted(CATALOGUE.jurisdictions))


def ask(code, candidates=None):
    return TenantRequest(jurisdiction=code, products=("casino",), candidates=candidates, production=False, on=TODAY)


def naive_cells(code):
    """Where a cell of the jurisdiction may stand, worked out from the data alone: no code of the package's rules."""
    facts = CATALOGUE.jurisdiction(code, TODAY).facts
    rules = CATALOGUE.residency[facts.data_residency.value]
    found = set()
    for candidate in CATALOGUE.implicit_places:
        ground, chain = CATALOGUE.places[candidate].territory, []
        while ground:
            chain.append(ground)
            known = CATALOGUE.jurisdictions.get(ground) or CATALOGUE.territories.get(ground)
            ground = known.parent if known and known.inside_parent else None
        region = CATALOGUE.regions.get(facts.primary_region.value or "")
        in_region = region is not None and any(code_ in region.territories for code_ in chain)
        fits = {
            "territory": code in chain,
            "region": in_region,
            "anywhere": in_region if region is not None else True,
        }
        classes = [name for name in DataClass if name not in (DataClass.REGULATOR_COPY, DataClass.BACKUP)]
        if all(fits[rules[name].scope] for name in classes):
            found.add(candidate)
    return found


@settings(max_examples=300, deadline=None)
@given(codes, codes)
def test_a_shared_cell_is_lawful_for_both_by_a_reading_of_the_data_alone(one, other):
    found = co_tenancy(CATALOGUE, ask(one), ask(other))
    assert set(found.places) == set(co_tenancy(CATALOGUE, ask(other), ask(one)).places)
    if found.allowed:
        assert set(found.places) == naive_cells(one) & naive_cells(other)
    assert len(found.reasons) == 2


def test_who_may_live_nowhere_shares_nothing():
    found = co_tenancy(CATALOGUE, ask("GB"), ask("CN"))
    assert not found.allowed
    assert "CN may live nowhere" in found.reasons[1]


def test_data_that_is_bound_to_two_territories_has_no_common_cell():
    bound = [
        code
        for code in CATALOGUE.jurisdictions
        if CATALOGUE.jurisdiction(code, TODAY).facts.data_residency.value is Residency.IN_TERRITORY
        and not hasattr(place_tenant(CATALOGUE, ask(code)), "code")
    ]
    assert len(bound) > 1
    for one, other in combinations(bound, 2):
        shared = co_tenancy(CATALOGUE, ask(one), ask(other))
        nested = CATALOGUE.is_within(one, other) or CATALOGUE.is_within(other, one)
        assert nested or not shared.allowed, (one, other, shared.places)
