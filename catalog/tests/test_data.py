"""The data files that ship."""

import zoneinfo

from domicile_catalog import Confidence


def test_every_jurisdiction_has_a_file(catalogue):
    assert len(catalogue.jurisdictions) >= 184


def test_every_region_of_every_partition_is_there(catalogue):
    by_partition = {}
    for place in catalogue.places.values():
        by_partition[place.partition] = by_partition.get(place.partition, 0) + 1
    assert by_partition == {"aws": 34, "aws-cn": 2, "aws-us-gov": 2, "aws-eusc": 1}


def test_separate_partitions_are_not_implicit(catalogue):
    assert not {"cn-north-1", "us-gov-west-1", "eusc-de-east-1"} & set(catalogue.implicit_places)


def test_nothing_is_sourced_without_its_source(catalogue):
    for jurisdiction in catalogue.jurisdictions.values():
        for name, findings in (*jurisdiction.facts.items(), *jurisdiction.further.items()):
            for finding in findings:
                if finding.confidence is Confidence.SOURCED:
                    assert finding.source, f"{jurisdiction.code} {name}"


def test_every_timezone_exists(catalogue):
    zones = zoneinfo.available_timezones()
    for jurisdiction in catalogue.jurisdictions.values():
        for zone in jurisdiction.facts.timezone:
            assert zone.value is None or zone.value in zones, jurisdiction.code


def test_norway_is_not_false(catalogue):
    assert catalogue.jurisdictions["NO"].name == "Norway"


def test_the_uk_regulator_asks_for_access_by_its_own_text(catalogue, today):
    fact = catalogue.jurisdiction("GB", today).facts.data_residency
    assert (fact.value, fact.confidence, fact.source_kind) == ("regulator_access", "sourced", "regulator")


def test_a_subdivision_is_inside_its_state_and_not_inside_its_sister(catalogue):
    assert catalogue.is_within("US-VA", "US")
    assert not catalogue.is_within("US-VA", "US-NJ")
    assert catalogue.is_within("BR-SP", "BR")


def test_a_territory_with_ground_of_its_own_is_not_inside_the_state_that_it_belongs_to(catalogue):
    for code, state in (("IM", "GB"), ("GG-ALD", "GB"), ("CW", "NL"), ("HK", "CN")):
        assert not catalogue.is_within(code, state)
        assert catalogue.country(code) == state
