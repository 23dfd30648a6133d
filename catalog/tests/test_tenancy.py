"""Where a tenant may live, and where it must never be put."""

from datetime import date, timedelta

import pytest
from catalog_testkit.papers import attest
from domicile_catalog import (
    Confidence,
    Place,
    Product,
    Refusal,
    TenantPlacement,
    TenantRequest,
    load_catalogue,
    place_tenant,
)
from hypothesis import given, settings
from hypothesis import strategies as st

TODAY = date(2026, 6, 1)
CATALOGUE = load_catalogue().with_sites(
    [
        Place(code="site-newark", territory="US-NJ", city="Newark", kind="site"),
        Place(code="site-malta", territory="MT", city="Sliema", kind="site"),
        Place(code="site-amsterdam", territory="NL", city="Amsterdam", kind="site"),
    ]
)


def ask(jurisdiction, candidates=None, production=False, products=("casino",), attestations=(), on=TODAY):
    return place_tenant(
        CATALOGUE,
        TenantRequest(
            jurisdiction=jurisdiction,
            candidates=candidates,
            production=production,
            products=products,
            attestations=attestations,
            on=on,
        ),
    )


def test_great_britain_goes_to_london():
    decision = ask("GB", ("eu-west-2", "sa-east-1"), production=True)
    assert (decision.place, decision.attested, decision.warnings) == ("eu-west-2", True, ())


def test_great_britain_may_rest_abroad_with_a_warning_about_player_data():
    decision = ask("GB", ("sa-east-1",))
    assert decision.place == "sa-east-1"
    assert any("UK GDPR" in warning for warning in decision.warnings)


def test_brazil_must_rest_in_brazil():
    assert ask("BR", ("eu-west-2", "sa-east-1"), production=True).place == "sa-east-1"
    refusal = ask("BR", ("eu-west-2",))
    assert (refusal.code, refusal.rule, refusal.value) == (
        "NO_PLACE_IN_TERRITORY",
        "data_residency",
        "in_territory",
    )
    assert "14.790" in refusal.law
    assert refusal.confidence is Confidence.SOURCED
    assert refusal.source
    assert "sa-east-1" in refusal.remedy


def test_new_jersey_is_not_served_from_virginia_and_is_from_a_site():
    refusal = ask("US-NJ", ("us-east-1",))
    assert refusal.code == "NO_PLACE_IN_TERRITORY"
    assert "site" in refusal.remedy
    assert ask("US-NJ", ("us-east-1", "site-newark"), production=True).place == "site-newark"


def test_a_copy_in_the_territory_leaves_the_primary_free_within_the_region():
    decision = ask("NL", ("eu-central-1", "site-amsterdam"))
    assert decision.by_data_class["regulator_copy"].allowed == ("site-amsterdam",)
    assert decision.by_data_class["backup"].place == "site-amsterdam"
    assert set(decision.by_data_class["wagering"].allowed) == {"site-amsterdam", "eu-central-1"}


def test_a_copy_in_the_territory_with_no_place_there_is_refused_by_name():
    refusal = ask("NL", ("eu-central-1",))
    assert refusal.code == "NO_PLACE_IN_TERRITORY"
    assert "regulator_copy" in refusal.message
    assert "player_identity" not in refusal.message


def test_a_region_rule_is_kept():
    assert ask("IT", ("eu-central-1", "eu-west-2")).place == "eu-central-1"
    refusal = ask("IT", ("eu-west-2",))
    assert (refusal.code, refusal.rule) == ("NO_PLACE_IN_REGION", "primary_region")


def test_a_place_that_is_remembered_as_adequate_comes_before_one_that_is_not():
    # Outside production memory counts; in production it is better than nothing, and told as what it is.
    for production in (True, False):
        assert ask("GB", ("af-south-1", "eu-west-1"), production=production).place == "eu-west-1"
    assert ask("GB", ("eu-west-1",), production=True).warnings != ()


def test_what_is_unknown_is_refused_with_the_law_and_the_fact():
    refusal = ask("NO")
    assert (refusal.code, refusal.rule, refusal.confidence) == ("FACT_UNKNOWN", "data_residency", "unknown")
    assert refusal.law == "Pengespilloven 2022"
    assert "attestation of NO data_residency" in refusal.remedy


def test_a_refusal_names_every_fact_that_is_needed_and_not_only_the_first():
    assert ask("NO", production=True).needs == ("online_casino", "data_residency")
    assert ask("NO").needs == ("data_residency",)
    assert ask("IE").needs == ("online_casino", "data_residency")
    assert ask("HR", products=("sports",), production=True).needs == ("online_casino", "licensed_products")
    assert ask("MT", production=True).needs == ("primary_region",)
    assert ask("CN").needs == ()
    assert ask("BR", ("eu-west-2",)).needs == ()


def test_an_attestation_answers_what_is_unknown():
    decision = ask("NO", attestations=(attest("NO", "data_residency", "none"),))
    assert isinstance(decision, TenantPlacement)
    assert decision.relied_on["data_residency"] is Confidence.ATTESTED


def test_an_expired_attestation_is_ignored_with_a_warning():
    old = attest("NO", "data_residency", "none", expires_on=TODAY - timedelta(days=1))
    refusal = ask("NO", attestations=(old,))
    assert refusal.code == "FACT_UNKNOWN"
    assert any("expired" in warning and "Jane Roe" in warning for warning in refusal.warnings)


def test_an_attestation_counts_on_its_last_day():
    last = attest("NO", "data_residency", "none", expires_on=TODAY)
    assert isinstance(ask("NO", attestations=(last,)), TenantPlacement)


def test_a_recalled_fact_places_outside_production_and_not_in_it():
    outside = ask("MX")
    assert (outside.place, outside.attested) == ("mx-central-1", False)
    assert any("recalled" in warning for warning in outside.warnings)
    assert ask("MX", production=True).code == "FACT_RECALLED"


def test_a_source_that_only_reports_the_law_is_told():
    decision = ask("SE", production=True)
    assert decision.place == "eu-north-1"
    assert any("neither law nor regulator" in warning for warning in decision.warnings)


def test_a_site_needs_a_name_of_its_own_and_known_ground():
    for code, territory in (("eu-west-2", "GB"), ("site-atlantis", "ZZ")):
        with pytest.raises(ValueError, match=code):
            CATALOGUE.with_sites([Place(code=code, territory=territory, city="Anywhere", kind="site")])


def test_attesting_recalled_facts_opens_production():
    known = CATALOGUE.jurisdiction("MX", TODAY).facts
    answers = tuple(attest("MX", name, known.get(name).value) for name in ("online_casino", "data_residency"))
    decision = ask("MX", production=True, attestations=answers)
    assert (decision.place, decision.attested) == ("mx-central-1", True)


def test_a_stricter_attestation_replaces_a_recalled_fact():
    refusal = ask("CO", attestations=(attest("CO", "data_residency", "in_territory"),))
    assert refusal.code == "NO_PLACE_IN_TERRITORY"


@pytest.mark.parametrize(("days", "told"), [(31, 0), (30, 1), (0, 1)])
def test_an_attestation_relied_on_is_announced_to_end_for_thirty_days(days, told):
    ending = attest("NO", "data_residency", "none", expires_on=TODAY + timedelta(days=days))
    decision = ask("NO", attestations=(ending,))
    assert len(decision.expiring) == told
    assert all(str(ending.expires_on) in sentence for sentence in decision.expiring)


@pytest.mark.parametrize("attested", ["prohibited", "poker_only", "unregulated"])
def test_an_attestation_may_narrow_what_the_catalogue_recalls_as_licensed(attested):
    code = "AU-SA"
    assert CATALOGUE.jurisdiction(code, TODAY).facts.online_casino.confidence == "recalled"
    answers = (attest(code, "data_residency", "none"), attest(code, "licensed_products", ["sports"]))
    assert isinstance(ask(code, products=("sports",), attestations=answers), TenantPlacement)
    narrowed = (*answers, attest(code, "online_casino", attested))
    assert isinstance(ask(code, products=("sports",), attestations=narrowed), Refusal)


def test_an_attestation_cannot_contradict_a_sourced_fact():
    refusal = ask("BR", attestations=(attest("BR", "data_residency", "none"),))
    assert refusal.code == "ATTESTATION_CONTRADICTS"
    assert "Jane Roe" in refusal.message


def test_two_attestations_that_disagree_are_refused():
    refusal = ask(
        "NO",
        attestations=(
            attest("NO", "data_residency", "none"),
            attest("NO", "data_residency", "in_territory", by="Max Mustermann"),
        ),
    )
    assert refusal.code == "ATTESTATION_CONTRADICTS"


@pytest.mark.parametrize(("code", "product"), [("CN", "casino"), ("FR", "casino"), ("US-NY", "live_casino")])
def test_no_attestation_makes_a_licence(code, product):
    refusal = ask(code, products=(product,), attestations=(attest(code, "online_casino", "legal"),))
    assert refusal.code == "PRODUCT_NOT_LICENSED"
    assert "No attestation" in refusal.remedy


def test_what_is_licensed_beside_online_casino_is_judged_by_itself():
    assert ask("FR", products=("poker",)).place == "eu-west-3"
    assert ask("FR", products=("poker", "casino")).code == "PRODUCT_NOT_LICENSED"


def test_a_product_beyond_casino_needs_to_be_known_as_licensed():
    assert ask("HR", products=("sports",)).rule == "licensed_products"
    assert ask("BR", products=("casino", "sports")).place == "sa-east-1"
    assert ask("BR", products=("poker",)).code == "PRODUCT_NOT_LICENSED"


def test_an_unregulated_market_is_refused_until_a_licence_is_attested():
    assert ask("IE").code == "ONLINE_CASINO_UNREGULATED"
    answers = (attest("IE", "online_casino", "legal"), attest("IE", "data_residency", "none"))
    assert ask("IE", attestations=answers).place == "eu-west-1"


def test_unknown_codes_are_refused_with_a_suggestion():
    assert (ask("UK").code, ask("UK").remedy) == ("JURISDICTION_UNKNOWN", "Did you mean GB?")
    assert "BR" in ask("Brazill").remedy
    assert ask("GB", ("eu-west-22",)).code == "PLACE_UNKNOWN"
    assert "eu-west-2" in ask("GB", ("eu-west-22",)).remedy
    assert ask("GB", ()).code == "NO_CANDIDATES"


def test_a_separate_partition_is_a_candidate_only_by_name():
    everywhere = ask("DE").by_data_class["wagering"].allowed
    assert "eusc-de-east-1" not in everywhere
    assert ask("DE", ("eusc-de-east-1",)).place == "eusc-de-east-1"


def test_answering_everything_that_a_refusal_needs_leaves_no_fact_to_ask_for():
    answers = {"online_casino": "legal", "data_residency": "none", "primary_region": "EEA"}
    for code in CATALOGUE.jurisdictions:
        first = ask(code, production=True)
        if isinstance(first, Refusal) and first.needs:
            known = CATALOGUE.jurisdiction(code, TODAY).facts
            given = tuple(
                attest(
                    code,
                    name,
                    answers[name] if known.get(name).value in (None, "unregulated") else known.get(name).value,
                )
                for name in first.needs
            )
            second = ask(code, production=True, attestations=given)
            assert isinstance(second, TenantPlacement) or second.needs == (), code


codes = st.sampled_from(sorted(CATALOGUE.jurisdictions))
places = st.lists(st.sampled_from(sorted(CATALOGUE.places)), max_size=6).map(tuple)
candidates = st.none() | places
products = st.lists(st.sampled_from(list(Product)), min_size=1, max_size=3).map(tuple)
some = settings(max_examples=300, deadline=None)


@some
@given(codes | st.text(max_size=6), candidates, st.booleans(), products)
def test_place_always_answers(code, candidates, production, products):
    decision = ask(code, candidates, production, products)
    if isinstance(decision, Refusal):
        assert decision.code and decision.message and decision.remedy
    else:
        assert decision.place in (CATALOGUE.implicit_places if candidates is None else candidates)
        assert len(decision.by_data_class) == 8


def test_place_answers_for_every_jurisdiction_and_every_single_place():
    for code in CATALOGUE.jurisdictions:
        for one in CATALOGUE.places:
            assert isinstance(ask(code, (one,)), TenantPlacement | Refusal)


@some
@given(codes, candidates, products)
def test_what_production_allows_every_environment_allows_alike(code, candidates, products):
    strict, loose = ask(code, candidates, True, products), ask(code, candidates, False, products)
    if isinstance(strict, TenantPlacement):
        assert isinstance(loose, TenantPlacement) and strict.attested
        for name, rest in strict.by_data_class.items():
            assert set(rest.allowed) == set(loose.by_data_class[name].allowed)


@some
@given(codes, candidates, st.booleans(), st.sets(st.sampled_from(["online_casino", "data_residency", "min_age"])))
def test_confirming_what_the_catalogue_says_never_refuses_what_was_placed(code, candidates, production, names):
    facts = CATALOGUE.jurisdiction(code, TODAY).facts
    confirming = tuple(attest(code, name, facts.get(name).value) for name in names if facts.get(name).known)
    before, after = ask(code, candidates, production), ask(code, candidates, production, attestations=confirming)
    if isinstance(before, TenantPlacement):
        assert isinstance(after, TenantPlacement)
        assert before.place == after.place


@some
@given(codes, candidates, st.sampled_from(["legal", "unregulated", "sports_only"]), st.booleans())
def test_casino_is_never_placed_where_it_has_no_licence(code, candidates, claimed, production):
    status = CATALOGUE.jurisdiction(code, TODAY).facts.online_casino.value
    decision = ask(code, candidates, production, attestations=(attest(code, "online_casino", claimed),))
    if status in ("prohibited", "sports_only", "poker_only"):
        assert isinstance(decision, Refusal)


@some
@given(codes, candidates, products)
def test_in_territory_never_leaves_the_territory(code, candidates, products):
    decision = ask(code, candidates, False, products)
    residency = CATALOGUE.jurisdiction(code, TODAY).facts.data_residency.value
    if isinstance(decision, TenantPlacement) and residency == "in_territory":
        for rest in decision.by_data_class.values():
            assert CATALOGUE.is_within(CATALOGUE.places[rest.place].territory, code)


@some
@given(codes, places, st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(code, candidates, random):
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert ask(code, candidates) == ask(code, tuple(shuffled))
