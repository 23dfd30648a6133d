"""What the catalogue says of a jurisdiction, and what it lacks."""

from domicile_catalog import FACT_NAMES, Confidence, Refusal, TenantPlacement, explain, gaps


def test_every_jurisdiction_can_be_explained(catalogue, today):
    for code in catalogue.jurisdictions:
        for production in (False, True):
            told = explain(catalogue, code, on=today, production=production)
            assert len(told.facts) == len(FACT_NAMES)
            assert (told.rules is None) == (told.rules_refused is not None)


def test_an_explanation_has_the_decision_and_where_each_class_may_rest(catalogue, today):
    told = explain(catalogue, "GB", on=today, production=True)
    assert isinstance(told.decision, TenantPlacement)
    assert len(told.resting_places) == 8


def test_where_data_may_rest_is_told_even_where_the_tenant_is_refused(catalogue, today):
    told = explain(catalogue, "NL", on=today)
    assert isinstance(told.decision, Refusal)
    assert told.resting_places["regulator_copy"].allowed == ()
    assert "eu-central-1" in told.resting_places["wagering"].allowed


def test_an_unknown_jurisdiction_is_refused(catalogue, today):
    assert explain(catalogue, "ZZ", on=today).code == "JURISDICTION_UNKNOWN"


def test_gaps_say_what_they_stop(catalogue, today):
    found = {(gap.jurisdiction, gap.fact): gap for gap in gaps(catalogue, today)}
    assert found["NO", "data_residency"].stops == "any environment"
    assert found["NO", "online_casino"].stops == "production"
    assert found["UZ", "min_age"].stops == "the casino's rules"
    assert found["US-CA", "timezone"].stops is None
    assert ("GB", "data_residency") not in found


def test_no_gap_is_sourced(catalogue, today):
    assert {gap.confidence for gap in gaps(catalogue, today)} == {Confidence.UNKNOWN, Confidence.RECALLED}
