"""The residency zone of a cell is what its jurisdictions have in common."""

from datetime import date

from domicile_catalog import load_catalogue
from domicile_policies.zones import residency_zones, zone_of
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 6, 1)
CATALOGUE = load_catalogue()
ZONES = residency_zones(CATALOGUE, TODAY, production=False)
PLACES = {code: set(zone.places) for zone in ZONES for code in zone.jurisdictions}


@given(st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=3))
def test_a_zone_is_where_every_jurisdiction_of_the_cell_may_keep_one(codes):
    zone = zone_of(CATALOGUE, codes, TODAY, production=False)
    common = set.intersection(*(PLACES[code] for code in codes))
    assert set(zone.places if zone else ()) == common
    assert zone is None or zone.jurisdictions == tuple(sorted(set(codes)))


@given(st.sampled_from(ZONES), st.data())
def test_the_jurisdictions_of_a_zone_share_it_and_its_name(zone, data):
    codes = data.draw(st.lists(st.sampled_from(zone.jurisdictions), min_size=1, max_size=3))
    found = zone_of(CATALOGUE, codes, TODAY, production=False)
    assert found and (found.name, found.places) == (zone.name, zone.places)


def test_a_jurisdiction_that_needs_a_site_has_no_zone():
    assert zone_of(CATALOGUE, ["US-NJ"], TODAY, production=False) is None
    assert zone_of(CATALOGUE, [], TODAY, production=False) is None
