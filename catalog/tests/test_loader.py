"""A catalogue that is wrong says everything that is wrong with it."""

import re
import shutil
from datetime import date

import pytest
import yaml
from domicile_catalog import FACT_NAMES, CatalogueError, load_catalogue
from domicile_catalog.loader import data_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GB = "jurisdictions/GB.yaml"


@pytest.fixture
def folder(tmp_path):
    """A small catalogue that is right: four jurisdictions, and whatever they refer to."""
    source = data_folder()
    copy = tmp_path / "data"
    (copy / "jurisdictions").mkdir(parents=True)
    (copy / "places").mkdir()
    for code in ("GB", "BR", "DE", "CN"):
        shutil.copy(source / "jurisdictions" / f"{code}.yaml", copy / "jurisdictions")
    with_short_currency = re.sub(
        r"  currency:\n(    .*\n)+", "  currency: {value: GBP, confidence: recalled}\n", (copy / GB).read_text()
    )
    (copy / GB).write_text(with_short_currency)
    for name in ("residency.yaml", "currencies.yaml", "data_classes.yaml", "payment_methods.yaml", "controls.yaml"):
        shutil.copy(source / name, copy)
    (copy / "transfers.yaml").write_text(
        "laws:\n  - code: GDPR\n    name: Regulation (EU) 2016/679\n    protects: [EEA]\n    safeguards: clauses\n"
        "    localisation: {value: none, confidence: recalled}\n"
        "    free_to: [{value: BR, confidence: recalled}]\n"
    )
    (copy / "territories.yaml").write_text(
        "territories:\n  - {code: BR-SP, name: São Paulo, parent: BR}\n"
        "regions:\n  - {code: EEA, name: European Economic Area, territories: [DE]}\n"
    )
    (copy / "places" / "aws.yaml").write_text(
        "partitions:\n  aws: {implicit: true}\n"
        "regions:\n  - {code: eu-west-2, territory: GB, city: London, partition: aws}\n"
        "  - {code: sa-east-1, territory: BR-SP, city: São Paulo, partition: aws}\n"
    )
    return copy


def edit(folder, file, old, new):
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def faults(folder):
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(folder)
    return caught.value.faults


def test_a_right_catalogue_loads(folder):
    assert set(load_catalogue(folder).jurisdictions) == {"GB", "BR", "DE", "CN"}


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "problem"),
    [
        (GB, "level: country", "levle: country", "levle", "unknown key"),
        ("transfers.yaml", "protects: [EEA]", "protects: [EUR]", "laws.GDPR.protects", "region EUR"),
        ("transfers.yaml", "value: BR", "value: BX", "laws.GDPR.free_to", "region BX"),
        ("data_classes.yaml", "telemetry:", "telemetrie:", "telemetrie", "telemetrie"),
        ("payment_methods.yaml", "voucher:", "vouchers:", "vouchers", "vouchers"),
        ("controls.yaml", "fact: primary_region", "fact: data_residency", "", "parameter of two controls"),
        ("controls.yaml", "fact: primary_region", "fact: region", "placement.region.fact", "'region'"),
        ("controls.yaml", "placement:place", "placement", "placement.residency.code", "not a valid"),
        ("controls.yaml", "slot.stake-maximum:", "Stake:", "Stake", "not a valid"),
        ("residency.yaml", "copied_as: regulator_copy", "copied_as: regulator", "copied_as", "'regulator'"),
        (GB, "level: country", "", "level", "is missing"),
        (GB, "code: GB", "code: gb", "code", "not a valid code"),
        (GB, "code: GB", "code: FR", "code", "named after its code"),
        (GB, "level: country", "level: country\nparent: ZZ", "parent", "unknown parent ZZ"),
        (GB, "level: country", "level: country\nname: Twice", "", "'name' stands twice"),
        (GB, "level: country", "level: [", "", "is not YAML"),
        (GB, "level: country", "level: country\nsince: 2026-02-30", "", "is not YAML"),
        (GB, "level: country", "level: country\n? [a]\n: c", "", "is not YAML"),
        (GB, "confidence: sourced", "confidence: certain", "facts.regulator.confidence", "'certain'"),
        (GB, "confidence: sourced", "confidence: attested", "facts.regulator.confidence", "environment"),
        (GB, "GBP, confidence: recalled", "GBP, confidence: sourced", "facts.currency", "needs a source"),
        (GB, "GBP, confidence: recalled", "GBP, confidence: unknown", "facts.currency", "has no value"),
        (GB, "value: GBP", "value: ZZZ", "facts.currency", "unknown currency ZZZ"),
        (GB, "value: 18\n", "value: '18'\n", "facts.min_age", "integer"),
        (GB, "min_age: 25", "min_age: 18", "facts.slot_max_stake", "ascending"),
        (GB, "regulator_access", "regulator_acces", "facts.data_residency.value", "'regulator_acces'"),
        (GB, "  currency:", "  currencies:", "facts.currencies", "unknown key"),
        ("places/aws.yaml", "territory: GB", "territory: ZZ", "eu-west-2.territory", "unknown territory ZZ"),
        ("places/aws.yaml", "partition: aws}", "partition: azure}", "eu-west-2.partition", "unknown partition azure"),
        ("places/aws.yaml", "sa-east-1", "eu-west-2", "eu-west-2", "stands twice"),
        ("territories.yaml", "parent: BR", "parent: ZZ", "territories.BR-SP.parent", "unknown parent ZZ"),
        ("territories.yaml", "code: BR-SP", "code: BR", "territories.BR", "stands twice"),
        ("territories.yaml", "[DE]", "[DE, ZZ]", "regions.EEA", "unknown territory ZZ"),
        ("residency.yaml", "  telemetry: {scope: territory", "  telemetri: {scope: territory", "", "telemetri"),
        ("currencies.yaml", "GBP: 2", "GBP: two", "exponents.GBP", "integer"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_is_named_where_it_stands(folder, file, old, new, path, problem):
    edit(folder, file, old, new)
    found = [fault for fault in faults(folder) if path in fault.path and problem in str(fault)]
    assert found, "\n".join(map(str, faults(folder)))
    assert found[0].file in (file, file.split("/", maxsplit=1)[0])


def test_all_faults_are_reported_at_once(folder):
    edit(folder, "jurisdictions/GB.yaml", "level: country", "level: county")
    edit(folder, "jurisdictions/BR.yaml", "value: BRL", "value: ZZZ")
    edit(folder, "places/aws.yaml", "territory: GB", "territory: ZZ")
    assert {fault.file for fault in faults(folder)} == {"jurisdictions/GB.yaml", "jurisdictions/BR.yaml", "places"}


def test_a_fault_says_what_is_allowed(folder):
    edit(folder, "jurisdictions/GB.yaml", "level: country", "level: county")
    assert "'country', 'state', 'province' or 'territory'" in faults(folder)[0].allowed


def test_ancestors_do_not_run_in_a_circle(folder):
    edit(folder, "jurisdictions/BR.yaml", "level: country", "level: country\nparent: BR-SP")
    assert any("its own ancestor" in fault.problem for fault in faults(folder))


def test_an_empty_folder_is_not_an_empty_catalogue(tmp_path):
    assert any(fault.file == "jurisdictions" for fault in faults(tmp_path))


def test_the_version_tells_of_data_and_not_of_layout(folder):
    before = load_catalogue(folder).version
    edit(folder, "jurisdictions/GB.yaml", "code: GB", "# a comment\ncode: GB")
    load_catalogue.cache_clear()
    assert load_catalogue(folder).version == before
    edit(folder, "jurisdictions/GB.yaml", "stake_minor: 500", "stake_minor: 400")
    load_catalogue.cache_clear()
    assert load_catalogue(folder).version != before


TWO_SOURCES = """\
  min_age:
    - {value: 18, confidence: sourced, source: the Act, source_kind: law, valid_to: 2026-12-31}
    - {value: 21, confidence: sourced, source: the Act, source_kind: law, valid_from: 2027-01-01}
    - {value: 16, confidence: sourced, source: a newspaper, source_kind: press}
"""


def with_min_age(folder, text):
    """GB with another min_age."""
    path = folder / GB
    lines = path.read_text().splitlines(keepends=True)
    start = lines.index("  min_age:\n")
    end = next(at for at in range(start + 1, len(lines)) if not lines[at].startswith("    "))
    path.write_text("".join([*lines[:start], text, *lines[end:]]))


def test_a_fact_may_have_several_sources_and_change_with_the_law(folder):
    with_min_age(folder, TWO_SOURCES)
    catalogue = load_catalogue(folder)
    for day, age in ((date(2026, 12, 31), 18), (date(2027, 1, 1), 21)):
        fact = catalogue.jurisdiction("GB", day).facts.min_age
        assert (fact.value, [other.value for other in fact.others]) == (age, [16])
    assert date(2027, 1, 1) in catalogue.jurisdictions["GB"].changes()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (", valid_to: 2026-12-31", "", "18 and 21 on the same day by the Act"),
        ("valid_to: 2026-12-31", "valid_to: 2027-01-01", "on the same day"),
        ("valid_to: 2026-12-31", "valid_from: 2027-01-01, valid_to: 2026-12-31", "valid_to is before valid_from"),
        ("valid_to: 2026-12-31", "valid_to: 31.12.2026", "date"),
        ("value: 16", "value: sixteen", "integer"),
    ],
)
def test_periods_that_cannot_be_are_faults(folder, old, new, problem):
    with_min_age(folder, TWO_SOURCES.replace(old, new))
    assert any(problem in str(fault) for fault in faults(folder)), faults(folder)


def test_a_fault_names_its_line(folder):
    with_min_age(folder, TWO_SOURCES.replace("value: 16", "value: sixteen"))
    lines = (folder / GB).read_text().splitlines()
    (fault,) = faults(folder)
    assert "sixteen" in lines[fault.line - 1]
    assert str(fault).startswith(f"{GB}:{fault.line}: facts.min_age.2.value: ")


def test_the_line_of_what_is_missing_is_that_of_what_lacks_it(folder):
    with_min_age(folder, "  min_age: {value: 18}\n")
    (fault,) = faults(folder)
    assert (fault.path, fault.problem) == ("facts.min_age.confidence", "is missing")
    assert "min_age" in (folder / GB).read_text().splitlines()[fault.line - 1]


def test_money_without_a_currency_is_a_fault(folder):
    edit(folder, GB, "  currency: {value: GBP, confidence: recalled}\n", "")
    assert [fault.path for fault in faults(folder)] == ["facts.slot_max_stake"]


def test_a_fact_cannot_hide_among_the_further_ones(folder):
    with (folder / GB).open("a") as file:
        file.write("" if "\nfurther:" in (folder / GB).read_text() else "further:\n")
        file.write("  min_age: {value: twelve, confidence: recalled}\n")
    assert any("belongs under facts" in fault.problem for fault in faults(folder))


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FACT = st.fixed_dictionaries(
    {},
    optional={
        "value": yaml_values,
        "confidence": st.sampled_from(["sourced", "recalled", "unknown", "attested", "certain", 3, None]),
        "source": yaml_values,
        "source_kind": yaml_values,
        "valid_from": yaml_values,
        "valid_to": yaml_values,
        "clause": yaml_values,
        "surplus": yaml_values,
    },
)
JURISDICTION = st.fixed_dictionaries(
    {},
    optional={
        "code": st.just("GB") | yaml_values,
        "name": yaml_values,
        "level": st.just("country") | yaml_values,
        "parent": yaml_values,
        "facts": yaml_values
        | st.dictionaries(
            st.sampled_from([*FACT_NAMES, "x"]),
            FACT | st.lists(FACT, max_size=3) | yaml_values,
            max_size=5,
        ),
        "further": yaml_values | st.dictionaries(st.text(max_size=8), FACT, max_size=2),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(JURISDICTION | yaml_values)
def test_whatever_a_file_says_there_is_a_catalogue_or_a_list_of_faults_and_never_a_traceback(folder, document):
    load_catalogue.cache_clear()
    (folder / GB).write_text(yaml.safe_dump(document, allow_unicode=True))
    try:
        load_catalogue(folder)
    except CatalogueError as error:
        assert error.faults
        assert all(fault.file for fault in error.faults)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_that_are_no_yaml_are_a_fault_too(folder, content):
    load_catalogue.cache_clear()
    (folder / GB).write_bytes(content)
    with pytest.raises(CatalogueError):
        load_catalogue(folder)


FILES = [
    "jurisdictions/GB.yaml",
    "territories.yaml",
    "places/aws.yaml",
    "residency.yaml",
    "currencies.yaml",
    "data_classes.yaml",
    "payment_methods.yaml",
    "transfers.yaml",
    "controls.yaml",
]


def paths_into(node, path=()):
    """Every place in a document at which something stands."""
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from paths_into(child, (*path, key))


def with_other(node, path, value):
    """The document with something else at a place; a copy as far as it differs."""
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = with_other(node[path[0]], path[1:], value)
    return copy


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(FILES), st.data())
def test_whatever_stands_at_any_place_of_any_file_there_is_never_a_traceback(folder, file, data):
    path = folder / file
    text = path.read_text()
    document = yaml.safe_load(text)
    where = data.draw(st.sampled_from(list(paths_into(document))))
    load_catalogue.cache_clear()
    path.write_text(yaml.safe_dump(with_other(document, where, data.draw(yaml_values)), allow_unicode=True))
    try:
        load_catalogue(folder)
    except CatalogueError as error:
        assert error.faults and all(fault.file for fault in error.faults)
    finally:
        path.write_text(text)
