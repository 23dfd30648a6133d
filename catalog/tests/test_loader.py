"""A catalogue that is wrong says everything that is wrong with it."""

import shutil

import pytest
from domicile_catalog import CatalogueError, load_catalogue
from domicile_catalog.loader import data_folder

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
    shutil.copy(source / "residency.yaml", copy)
    shutil.copy(source / "currencies.yaml", copy)
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
        (GB, "level: country", "", "level", "is missing"),
        (GB, "code: GB", "code: gb", "code", "not a valid code"),
        (GB, "code: GB", "code: FR", "code", "named after its code"),
        (GB, "level: country", "level: country\nparent: ZZ", "parent", "unknown parent ZZ"),
        (GB, "level: country", "level: country\nname: Twice", "", "'name' stands twice"),
        (GB, "level: country", "level: [", "", "is not YAML"),
        (GB, "confidence: sourced", "confidence: certain", "facts.regulator.confidence", "'certain'"),
        (GB, "confidence: sourced", "confidence: attested", "facts.regulator.confidence", "environment"),
        (GB, "GBP, confidence: recalled", "GBP, confidence: sourced", "facts.currency", "needs a source"),
        (GB, "GBP, confidence: recalled", "GBP, confidence: unknown", "facts.currency", "has no value"),
        (GB, "value: GBP", "value: ZZZ", "facts.currency", "unknown currency ZZZ"),
        (GB, "value: 18\n", "value: '18'\n", "facts.min_age.value", "integer"),
        (GB, "min_age: 25", "min_age: 18", "facts.slot_max_stake.value", "ascending"),
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
