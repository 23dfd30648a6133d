"""Rules of play in words, those among them that a jurisdiction may be silent of."""

from datetime import date

from domicile_catalog import load_catalogue, tenant_rules
from domicile_cli.render.rules import rules, spelt_rules

CATALOGUE = load_catalogue()


def spelt(code):
    return spelt_rules(tenant_rules(CATALOGUE, code, {}, on=date(2026, 11, 30)))


def test_what_the_law_says_beyond_limits_is_shown_in_words():
    found = spelt("US-NJ")
    assert found["max_failed_logins"] == "3" and found["lockout_until_reset"] == "yes"
    assert found["geolocation_moments"] == "login, bet" and found["geolocation_territory"] == "US-NJ"
    assert spelt("GB")["registration_fields"] == "name, address"


def test_what_protects_players_is_shown_in_words():
    found = spelt("DE")
    assert found["limits"] == "deposit EUR 1000.00 a month" and found["limit_kinds_required"] == "deposit"
    assert spelt("NO")["limits"] == "loss NOK 20000.00 a month"


def test_what_nobody_has_read_is_left_to_the_casino_and_not_shown():
    assert not {"max_failed_logins", "dormancy_months", "geolocation_moments"} & set(spelt("MT"))


def test_every_rule_that_is_shown_has_its_source():
    table = rules(tenant_rules(CATALOGUE, "US-NJ", {}, on=date(2026, 11, 30)))
    assert table.row_count == len(spelt("US-NJ"))
