"""The pages and the map that are made from the catalogue."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from domicile_catalog import DataClass, Finding, Place, Placement, Product, Question, load_catalogue, place
from domicile_catalog.forms import Lockout, MoneyCap, Pause, StakeBand, TimeOut
from domicile_catalog.vocabulary import AccessNotice, Confidence, IdentityData, LimitKind, Period, Residency
from domicile_cli.generated.atlas import atlas
from domicile_cli.generated.geometry import Box
from domicile_cli.generated.legend import Shades
from domicile_cli.generated.pages import DATA, LICENCE, PLAY, jurisdiction_pages
from domicile_cli.generated.spelling import Money, plain, source, spelled
from pydantic import ValidationError

TODAY = date(2026, 6, 1)
CATALOGUE = load_catalogue()
SVG = "{http://www.w3.org/2000/svg}"
POUNDS = Money("GBP", 2)
# A name that would break a table, a link, a tag and emphasis, if it were let.
AWKWARD = "This & that | <b>*those*</b> [x](y)"


@pytest.fixture(scope="module")
def pages():
    return jurisdiction_pages(CATALOGUE, TODAY)


@pytest.fixture(scope="module")
def drawn():
    return atlas(CATALOGUE, TODAY)


def changed(**records):
    """The catalogue with other records for some jurisdictions, and none of what it remembers of the old."""
    return replace(CATALOGUE, jurisdictions={**CATALOGUE.jurisdictions, **records})


def renamed(*codes):
    return changed(**{code: CATALOGUE.jurisdictions[code].model_copy(update={"name": AWKWARD}) for code in codes})


def markers(svg):
    """The group of each region by its code."""
    return {group.get("id"): group for group in ET.fromstring(svg).iter(f"{SVG}g")}


def tooltip_count(group):
    return int(re.search(r"(\d+) of \d+ jurisdictions", group.find(f"{SVG}title").text)[1])


# The pages


def test_every_jurisdiction_has_a_page_and_the_index_names_them_all(pages):
    assert set(pages) == {"README.md", *(f"{code}.md" for code in CATALOGUE.jurisdictions)}
    for code, record in CATALOGUE.jurisdictions.items():
        assert pages[f"{code}.md"].startswith(f"# {plain(record.name)}\n")
        assert f"| [{plain(record.name)}]({code}.md) | {code} |" in pages["README.md"]


def test_every_fact_is_on_the_page_known_or_not(pages):
    for code, record in CATALOGUE.jurisdictions.items():
        head, unknown = pages[f"{code}.md"].split("## What is not known")
        for name, fact in record.on(TODAY).facts.items():
            assert f"`{name}`" in (head if fact.known else unknown)
        for name in record.further:
            assert f"| `{name}` |" in head
    assert not set(LICENCE) & set(DATA) | set(PLAY) & {*LICENCE, *DATA}


def test_tables_have_as_many_cells_in_each_row(pages):
    for text in (*pages.values(), *jurisdiction_pages(renamed("GB", "MT"), TODAY).values()):
        for block in text.split("\n\n"):
            rows = [line for line in block.splitlines() if line.startswith("|")]
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1


def test_links_between_pages_lead_somewhere(pages):
    for text in pages.values():
        assert set(re.findall(r"\]\(([\w-]+\.md)", text)) <= set(pages)


def test_text_from_the_catalogue_is_not_markup():
    page = jurisdiction_pages(renamed("GB"), TODAY)["GB.md"]
    assert page.startswith("# This &amp; that \\| &lt;b&gt;\\*those\\*&lt;/b&gt; \\[x\\](y)\n")
    assert "<b>" not in page


def test_pages_are_the_law_of_their_day():
    before = jurisdiction_pages(CATALOGUE, date(2025, 1, 1))["GB.md"]
    play, later = before.split("## What changes later")
    # RTS 14G begins on 17 January 2025.
    assert "| `other_games_min_cycle_seconds` | 5 seconds" not in play
    assert "| 2025-01-17 | `other_games_min_cycle_seconds` | not known | 5 seconds |" in later


def test_only_the_index_tells_the_version(pages):
    other = jurisdiction_pages(CATALOGUE.at_version("0123456789abcdef"), TODAY)
    assert "0123456789ab" in other["README.md"]
    assert {name for name in pages if pages[name] != other[name]} == {"README.md"}


def test_a_page_says_where_data_may_rest_and_what_is_decided(pages):
    assert "nearest is eu-west-2 (London)" in pages["GB.md"]
    assert re.search(r"\| `wagering`<br>[^|]* \| territory \| 0 \| none: it needs a site \|", pages["US-NJ.md"])
    assert "In production: refused." in pages["US-NJ.md"]
    assert "| `slot_max_stake` | GBP 2.00 from age 18, GBP 5.00 from age 25<br>" in pages["GB.md"]


def test_sources_that_disagree_stand_side_by_side():
    record = CATALOGUE.jurisdictions["GB"]
    other = Finding(value=19, confidence=Confidence.SOURCED, source="https://a.example/x|y", source_kind="press")
    facts = record.facts.model_copy(update={"min_age": (record.facts.min_age[0], other)})
    page = jurisdiction_pages(changed(GB=record.model_copy(update={"facts": facts})), TODAY)["GB.md"]
    told = page.split("## Where sources disagree")[1].split("## ")[0]
    assert re.search(r"\| `min_age` \| 19 years \| 18 years ", told)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("slot_max_stake", (StakeBand(min_age=18, stake_minor=200),), "GBP 2.00 from age 18"),
        ("deposit_cap", (MoneyCap(period=Period.WEEK, amount_minor=20000),), "GBP 200.00 a week"),
        ("loss_cap", (MoneyCap(period=Period.DAY, min_age=25, amount_minor=1),), "GBP 0.01 a day from age 25"),
        ("forced_pause", Pause(after_minutes=60, minutes=5), "5 minutes after 1 hour of play"),
        ("time_out", TimeOut(), "no set length"),
        ("time_out", TimeOut(minimum_hours=24), "at least 24 hours"),
        ("time_out", TimeOut(maximum_hours=4320), "at most 180 days"),
        ("time_out", TimeOut(minimum_hours=1, maximum_hours=48), "1 hour to 2 days"),
        ("limits_offered", (LimitKind.DEPOSIT, LimitKind.TIME), "deposit, time"),
        ("data_residency", Residency.IN_TERRITORY, "in territory"),
        ("data_residency", Residency.NONE, "no rule"),
        ("slot_min_cycle_seconds", Decimal("2.50"), "2.5 seconds"),
        ("rtp_minimum_percent", Decimal("100"), "100 %"),
        ("bonus_wagering_maximum", Decimal(10), "10 times"),
        ("login_failures_maximum", 3, "3 attempts"),
        ("login_lockout", Lockout(minutes=60), "1 hour"),
        ("withdrawal_reversal_hours", 0, "not at all"),
        ("withdrawal_reversal_hours", 1, "1 hour"),
        ("login_lockout", Lockout(until_reset=True), "until a reset"),
        ("login_notice", AccessNotice.EVERY_LOGIN, "every login"),
        ("identity_data", (IdentityData.NAME, IdentityData.NATIONAL_ID), "name, national id"),
        ("dormancy_months", 24, "2 years"),
        ("limit_increase_hours", 0, "0 hours (at once)"),
        ("self_exclusion_minimum_months", 24, "2 years"),
        ("session_idle_minutes", 15, "15 minutes"),
        ("min_age", 18, "18 years"),
        ("regulator", "Gambling Commission", "Gambling Commission"),
        ("deposit_cap", None, "no such rule"),
    ],
)
def test_values_are_written_for_a_person(name, value, told):
    assert spelled(name, value, True, POUNDS) == told


def test_an_unknown_value_is_not_the_absence_of_a_rule():
    assert spelled("deposit_cap", None, False, POUNDS) == "not known"


def test_money_has_its_currencys_exponent():
    assert Money("JPY", 0).spelled(500) == "JPY 500"
    assert Money("KWD", 3).spelled(500) == "KWD 0.500"
    assert Money(None).spelled(500) == "500 minor units"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("https://a.example/x_(y) (weak)", "[a.example](https://a.example/x_%28y%29) (weak)"),
        (
            "see https://a.example/x; https://b.example",
            "see [a.example](https://a.example/x); [b.example](https://b.example)",
        ),
        ("github:one/two docs/a_b.md", "[github.com/one/two](https://github.com/one/two) docs/a_b.md"),
        ("a note | of costs $5", "a note \\| of costs &#36;5"),
        (None, ""),
    ],
)
def test_sources_are_links(written, told):
    assert source(written) == told


# The map


def test_every_region_is_drawn_and_labelled(drawn):
    found = markers(drawn)
    codes = {code for code, one in CATALOGUE.places.items() if one.kind == "aws"}
    assert codes == set(found)
    for code, group in found.items():
        assert code in [text.text for text in group.iter(f"{SVG}text")]


def test_separate_partitions_are_marked_otherwise(drawn):
    for code, group in markers(drawn).items():
        implicit = CATALOGUE.partitions[CATALOGUE.places[code].partition].implicit
        assert (group.find(f"{SVG}circle") is not None) == implicit
        assert (group.find(f"{SVG}polygon") is not None) != implicit


@pytest.mark.parametrize("code", ["eu-west-1", "sa-east-1", "us-east-1", "eu-north-1", "cn-north-1", "eusc-de-east-1"])
def test_a_marker_counts_the_jurisdictions_that_place_would_let_in(drawn, code):
    candidates = set(CATALOGUE.implicit_places)
    candidates |= {one.code for one in CATALOGUE.places.values() if one.partition == CATALOGUE.places[code].partition}
    may = [one for one in CATALOGUE.jurisdictions if may_hold_a_cell(one, code, tuple(candidates))]
    group = markers(drawn)[code]
    assert tooltip_count(group) == len(may) > 0
    assert all(f"({one})" in group.find(f"{SVG}title").text for one in may)
    assert str(len(may)) in [text.text for text in group.iter(f"{SVG}text")]


def may_hold_a_cell(jurisdiction, code, candidates):
    """The same by asking `place()` for each class by itself."""
    for data_class in DataClass:
        question = Question(
            jurisdiction=jurisdiction, product=Product.CASINO, data_class=data_class, production=False, on=TODAY
        )
        answer = place(CATALOGUE, question, candidates)
        if not isinstance(answer, Placement):
            return False
        if CATALOGUE.data_classes[data_class].in_cell and code not in answer.allowed:
            return False
    return True


def test_who_needs_a_site_is_listed(drawn):
    told = [text.text for text in ET.fromstring(drawn).iter(f"{SVG}text")]
    assert {"BE Belgium", "US-NJ New Jersey", "MT Malta", "US-NY New York*"} <= set(told)
    assert "BR Brazil" not in told  # a region stands there


def test_nothing_on_the_map_covers_a_label(drawn):
    found = markers(drawn)
    boxes, discs = {}, {}
    for code, group in found.items():
        label = next(text for text in group.iter(f"{SVG}text") if text.text == code)
        left, base = float(label.get("x")), float(label.get("y"))
        boxes[code] = Box(left, base - 11, left + 7.8 * len(code), base + 3)
        count = next(text for text in group.iter(f"{SVG}text") if text.text != code)
        discs[code] = (float(count.get("x")), float(count.get("y")) - 3.8)
    for one, box in boxes.items():
        assert box.left > 0 and box.right < 1400
        assert not [other for other, near in boxes.items() if other != one and box.meets(near)]
        for x, y in discs.values():
            across, down = box.nearest((x, y))
            assert (across - x) ** 2 + (down - y) ** 2 > 9**2


def test_the_map_stands_by_itself(drawn):
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text
    assert root.find(f"{SVG}desc").text
    assert not [one for one in root.iter() if one.tag in (f"{SVG}script", f"{SVG}image", f"{SVG}a")]
    assert drawn.count("http") == drawn.count('xmlns="http://www.w3.org/2000/svg"') == 1
    assert len(drawn.encode()) < 250_000


def test_names_on_the_map_are_not_markup():
    # One is told of over the markers, the other in the list of those that need a site.
    root = ET.fromstring(atlas(renamed("GB", "AG"), TODAY))
    assert f"{AWKWARD} (GB)" in next(root.iter(f"{SVG}g")).find(f"{SVG}title").text
    assert any(
        "".join(one.itertext()).endswith("AG This & that | <b>*those*</b> [x](…") for one in root.iter(f"{SVG}text")
    )


def test_a_region_without_coordinates_is_listed_and_not_drawn():
    bare = CATALOGUE.places["af-south-1"].model_copy(update={"latitude": None, "longitude": None})
    svg = atlas(replace(CATALOGUE, places={**CATALOGUE.places, "af-south-1": bare}), TODAY)
    assert "af-south-1" not in markers(svg)
    assert "not drawn: af-south-1" in svg


def test_the_same_catalogue_gives_the_same_bytes(pages, drawn):
    again = changed()
    assert jurisdiction_pages(again, TODAY) == pages
    assert atlas(again, TODAY) == drawn


@pytest.mark.parametrize("counts", [[], [0], [3], [1, 2, 3, 4, 5, 6, 7, 0], list(range(40))])
def test_more_is_never_lighter(counts):
    shades = Shades.of(counts)
    order = [colours for colours, _ in [shades.of_count(0), *shades.colours]] if counts else []
    used = [shades.of_count(count)[0] for count in sorted(counts)]
    assert [order.index(one) for one in used] == sorted(order.index(one) for one in used)


# Coordinates


@pytest.mark.parametrize("given", [{"latitude": 1.0}, {"longitude": 1.0}, {"latitude": 91, "longitude": 0}])
def test_coordinates_are_a_pair_on_the_globe(given):
    with pytest.raises(ValidationError):
        Place(code="site-x", territory="MT", city="Sliema", kind="site", **given)


def test_every_region_has_coordinates_to_a_tenth_of_a_degree():
    for one in CATALOGUE.places.values():
        assert one.latitude is not None and one.longitude is not None
        assert (round(one.latitude, 1), round(one.longitude, 1)) == (one.latitude, one.longitude)
