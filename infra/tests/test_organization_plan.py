"""What an organisation consists of, and what is refused before a cloud is asked."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import domicile_infra.plan
import pytest
import yaml
from domicile_catalog import Attestation
from domicile_catalog.documents import located
from domicile_infra.plan.aws_facts import aws_facts, parse_aws_facts
from domicile_infra.plan.log_archive import bucket_name
from domicile_infra.plan.organization import (
    Documents,
    OrganizationChoices,
    OrganizationPlanError,
    plan_organization,
)
from domicile_infra.plan.organization_policies import BINDING
from domicile_infra.plan.retention import retention_years
from domicile_policies.documents import QUOTAS, PolicyDocument, PolicyType, Quota
from domicile_policies.evaluator import Request, denied_by
from domicile_policies.names import AccountRole
from hypothesis import given, settings
from hypothesis import strategies as st
from organization_testkit import MANAGEMENT, ON, catalogue, document, environment, plan

# Where a jurisdiction of each zone may have a cell.
PLACES = {"GB": ("eu-west-2", "eu-west-1", "us-east-1"), "MT": ("eu-west-1", "eu-south-1"), "BR": ("sa-east-1",)}


def refusals(choices: OrganizationChoices | None = None, **changes):
    with pytest.raises(OrganizationPlanError) as refused:
        plan(choices, **changes)
    return refused.value.faults


def cell(name: str, place: str, *codes: str, **more):
    return {"name": name, "place": place, "jurisdictions": list(codes), "baseDomain": f"{name}.example.com", **more}


@st.composite
def cells(draw):
    chosen = draw(st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=5))
    return [cell(f"cell-{at}", draw(st.sampled_from(PLACES[code])), code) for at, code in enumerate(chosen)]


MANY = {"accounts": 100}


@settings(max_examples=25, deadline=None)
@given(cells())
def test_whatever_the_cells_every_account_has_its_place_and_its_logs_a_home(made):
    found = plan(cells=made, organization={"regulators": [], "quotas": MANY})
    names = [one.name for one in found.accounts]
    assert len(set(names)) == len(names)
    assert len({one.email for one in found.accounts}) == len(names)
    assert {one.unit for one in found.accounts} <= set(found.units)
    for one in made:
        account, zone = found.account(one["name"]), found.zone_of_cell(one["name"])
        assert account.role is AccountRole.CELL and account.unit == zone.name
        assert account.regions == (one["place"],) and one["place"] in zone.places
        homes = [archive for archive in found.archives if (archive.unit, archive.region) == (zone.name, one["place"])]
        assert [archive.account for archive in homes] == [zone.log_archive]
        assert found.account(zone.log_archive).unit == zone.name
    # Which account waits for which follows from the order in which they are made.
    for at, account in enumerate(found.accounts):
        assert account.after is None or names.index(account.after) < at


@settings(max_examples=10, deadline=None)
@given(cells(), st.randoms())
def test_the_plan_does_not_depend_on_the_order_of_cells(made, random):
    shuffled = random.sample(made, len(made))
    assert plan(cells=made, organization={"regulators": [], "quotas": MANY}) == plan(
        cells=shuffled, organization={"regulators": [], "quotas": MANY}
    )


def test_planning_imports_no_pulumi():
    modules = sorted(path.stem for path in Path(domicile_infra.plan.__file__).parent.glob("*.py"))
    program = "import sys\n" + "".join(f"import domicile_infra.plan.{one}\n" for one in modules if one != "__init__")
    program += "assert not [name for name in sys.modules if name.split('.')[0].startswith('pulumi')]"
    subprocess.run([sys.executable, "-c", program], check=True)


def attested(code: str, years: int) -> Attestation:
    return Attestation(
        jurisdiction=code,
        fact="record_retention_years",
        value=years,
        attested_by="Jane Roe",
        role="Head of Compliance",
        attested_on=ON - timedelta(days=1),
        source="Letter of the regulator",
        source_sha256="a" * 64,
        expires_on=ON + timedelta(days=100),
    )


def test_logs_are_locked_for_the_longest_retention_of_their_zone_and_no_other():
    chosen = environment(
        cells=[cell("gb", "eu-west-2", "GB"), cell("two", "eu-west-1", "GB", "DE"), cell("br", "sa-east-1", "BR")]
    )
    years = {code: retention_years(catalogue(), [code], ON) for code in ("DE", "BR")}
    assert set(years.values()) < set(range(1, 30))
    found = plan_organization(chosen, catalogue(), ON, attestations=[attested("GB", 30)])
    days = {archive.name: archive.retention_days for archive in found.archives}
    assert days["anywhere-eu-west-2"] == days["anywhere-eu-west-1"] == 30 * 366
    assert days["br-sa-east-1"] == years["BR"] * 366
    # The organisation's own logs tell of all of them.
    assert days["core-eu-west-1"] == days["core-us-east-1"] == 30 * 366


def test_a_test_environment_may_lock_for_less_and_production_may_not():
    short = OrganizationChoices(lock_days=1)
    assert {archive.retention_days for archive in plan(short).archives} == {1}
    (fault,) = [one for one in refusals(short, production=True) if "1 days only" in one.problem]
    assert "law" in fault.remedy


def test_a_retention_that_nobody_knows_is_refused_and_not_guessed():
    known = catalogue()
    facts = known.jurisdictions["BR"].facts.model_copy(update={"record_retention_years": (), "aml_retention_years": ()})
    forgotten = replace(
        known,
        jurisdictions={**known.jurisdictions, "BR": known.jurisdictions["BR"].model_copy(update={"facts": facts})},
    )
    with pytest.raises(OrganizationPlanError) as refused:
        plan_organization(environment(), forgotten, ON)
    assert [fault.rule for fault in refused.value.faults] == ["retention of records"]


@pytest.mark.parametrize(
    ("changes", "problem", "remedy"),
    [
        (
            {"cells": [cell("nj", "us-east-1", "US-NJ")]},
            "the cell nj is in no residency zone: no AWS region may hold a cell of US-NJ",
            "build a site",
        ),
        (
            {"cells": [cell("br", "us-east-1", "BR")]},
            "the cell br stands in us-east-1, outside the zone br of BR",
            "sa-east-1",
        ),
        ({"cells": [cell("xx", "us-east-1", "XX")]}, "the cell xx is in no residency zone", "attest"),
        (
            {"cells": [cell("gb", "eu-west-2", "GB", account=MANAGEMENT)]},
            f"the account id {MANAGEMENT} is claimed by 2 accounts",
            "its own id",
        ),
        (
            {"organization": {"accounts": {"security": "222222222222", "shared-services": "222222222222"}}},
            "the account id 222222222222 is claimed by 2 accounts",
            "its own id",
        ),
        (
            {"organization": {"accounts": {"log-archive-se": "222222222222"}}},
            "names log-archive-se",
            "Planned: security",
        ),
        ({"cells": [cell("security", "eu-west-2", "GB")]}, "the name security is claimed by 2 accounts", "Rename"),
        ({"organization": {"deployers": []}}, "nobody may deploy", "Name the role"),
        (
            {
                "organization": {
                    "identityCenter": {"instanceArn": "arn:aws:sso:::instance/i", "groups": {"regulator": "g"}}
                }
            },
            "regulator cannot be a group",
            "Name each regulator",
        ),
        (
            {"organization": {"principals": {"regulator": [f"arn:aws:iam::{MANAGEMENT}:role/x"]}}},
            "does not say for which jurisdictions",
            "organization.regulators",
        ),
        (
            {"cells": [cell("br", "sa-east-1", "BR")]},
            "no cell serves a jurisdiction of the regulator commission",
            "among BR",
        ),
        ({"organization": {"email": "a" * 50 + "+{account}@example.com"}}, "AWS takes 64", "Shorten"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_cannot_be_built_is_refused_with_a_remedy(changes, problem, remedy):
    found = [fault for fault in refusals(**changes) if problem in fault.problem]
    assert found, [str(fault) for fault in refusals(**changes)]
    assert remedy in found[0].remedy and found[0].rule


def test_an_address_without_the_accounts_name_is_refused_wherever_it_is_first_seen():
    written = document(organization={"email": "aws@example.com"})
    with pytest.raises(ValueError, match="account"):
        type(environment()).model_validate(written)
    organization = environment().organization.model_copy(update={"email": "aws@example.com"})
    with pytest.raises(OrganizationPlanError, match="would not differ"):
        plan_organization(environment().model_copy(update={"organization": organization}), catalogue(), ON)


def test_a_production_environment_without_anyone_to_break_the_glass_is_refused():
    rule = "trust of the break-glass role"
    assert rule in {fault.rule for fault in refusals(production=True, organization={"principals": {}})}
    assert rule not in {fault.rule for fault in refusals(production=True)}


@pytest.mark.parametrize(
    ("quotas", "rule"),
    [
        ({"accounts": 8}, "quota of accounts"),
        ({"organizational_units": 4}, "quota of organisational units"),
        ({"trails_in_a_region": 0}, "quota of trails in a region"),
        ({"account_name_characters": 5}, "length of an account's name"),
        ({"bucket_name_characters": 20}, "length of a bucket's name"),
        ({"role_inline_characters": 100}, "quota of inline policies"),
        ({"role_name_characters": 10}, "length of a role's name"),
    ],
)
def test_a_quota_that_does_not_suffice_is_refused_and_is_data(quotas, rule):
    assert rule not in {fault.rule for fault in _faults_of(OrganizationChoices())}
    assert rule in {fault.rule for fault in _faults_of(OrganizationChoices(facts=aws_facts().with_quotas(**quotas)))}


def _faults_of(choices):
    try:
        plan(choices)
    except OrganizationPlanError as error:
        return error.faults
    return ()


def test_every_fault_is_told_at_once():
    faults = refusals(cells=[cell("nj", "us-east-1", "US-NJ"), cell("security", "us-east-1", "BR")])
    assert len(faults) >= 3
    assert len({fault.rule for fault in faults}) >= 2


def test_facts_that_are_misspelt_are_refused():
    with pytest.raises(TypeError):
        parse_aws_facts(
            "{global_region: us-east-1, quotas: {acounts: 1}, trusted_services: [], delegated_services: []}"
        )


def test_a_zone_without_its_policies_is_refused():
    bare = replace(plan().documents, units={})
    with pytest.raises(OrganizationPlanError) as refused:
        plan_organization(environment(), catalogue(), ON, bare)
    lacking = [fault.problem for fault in refused.value.faults if fault.rule == "residency"]
    assert len(lacking) == len(plan().zones) * len(BINDING)


def scp(name: str, content=None) -> PolicyDocument:
    return PolicyDocument(name, PolicyType.SERVICE_CONTROL, content or {"Version": "2012-10-17", "Statement": []})


@pytest.mark.parametrize(
    ("root", "problem"),
    [
        ((scp("big", {"Statement": "x" * 6000}),), "big has 6016 characters"),
        (tuple(scp(f"p{at}") for at in range(5)), "the root would have 5|root would have 5"),
        ((scp("one"), scp("one")), "name one"),
        ((scp("core-residency"),), "another document"),
    ],
)
def test_policies_that_aws_would_not_take_are_refused(root, problem):
    documents = replace(plan().documents, root=root)
    with pytest.raises(OrganizationPlanError, match=problem):
        plan_organization(environment(), catalogue(), ON, documents)


@pytest.mark.parametrize("disposable", [False, True])
def test_keys_go_with_a_disposable_environment_and_are_kept_in_every_other(disposable):
    documents = plan(disposable=disposable).documents
    for account in plan().accounts:
        guardrails = [one.content for one in documents.of_account(account) if one.type is PolicyType.SERVICE_CONTROL]
        for role in ("OrganizationAccountAccessRole", "domicile-deployer"):
            context = {
                "aws:PrincipalArn": f"arn:aws:iam::111111111111:role/{role}",
                "aws:RequestedRegion": account.regions[0],
            }
            key = f"arn:aws:kms:{account.regions[0]}:111111111111:key/k"
            sid = denied_by(guardrails, Request("kms:ScheduleKeyDeletion", key, context))
            assert sid == (None if disposable else "DenyDestroyingWhatIsKept")


def test_policies_for_what_is_not_planned_are_refused():
    documents = plan().documents
    with pytest.raises(OrganizationPlanError, match="unit se, which is not planned"):
        plan_organization(environment(), catalogue(), ON, replace(documents, units={**documents.units, "se": ()}))
    with pytest.raises(OrganizationPlanError, match="account x, which is not planned"):
        plan_organization(environment(), catalogue(), ON, replace(documents, accounts={"x": ()}))


def test_no_organisation_no_plan():
    bare = environment().model_copy(update={"organization": None})
    with pytest.raises(OrganizationPlanError, match="Write `organization`"):
        plan_organization(bare, catalogue(), ON, Documents())
    ownerless = environment().model_copy(update={"owner": None})
    with pytest.raises(OrganizationPlanError, match="Write `owner`"):
        plan_organization(ownerless, catalogue(), ON, Documents())


def test_two_environments_have_different_buckets_in_one_account():
    assert bucket_name("test", "1" * 12, "eu-west-1") != bucket_name("live", "1" * 12, "eu-west-1")


def test_fifty_cells_are_planned_in_no_time():
    import time

    many = [cell(f"cell-{at}", "eu-west-1", ("GB", "MT", "DE", "IT", "NL")[at % 5]) for at in range(50)]
    began = time.process_time()
    found = plan(cells=many, organization={"regulators": [], "quotas": MANY})
    assert len(found.accounts) == 2 + len(found.zones) + 50
    assert time.process_time() - began < 5


def test_the_same_environment_on_the_same_day_is_the_same_plan():
    assert plan() == plan()
    assert plan() != plan(owner="another@example.com")


QUOTAS_OF_ALL = {
    "accounts": 40,
    "organizationalUnits": 3000,
    "serviceControlPolicies": {"characters": 10240},
    "resourceControlPolicies": {"perTarget": 10},
}


def test_quotas_that_aws_has_raised_stand_in_the_environment_and_what_it_has_not_stays():
    chosen = plan(organization={"quotas": QUOTAS_OF_ALL}).choices
    assert (chosen.facts.quotas.accounts, chosen.facts.quotas.organizational_units) == (40, 3000)
    assert chosen.facts.quotas.trails_in_a_region == aws_facts().quotas.trails_in_a_region
    assert chosen.policy_quotas[PolicyType.SERVICE_CONTROL] == Quota(10240, 5, given=1)
    assert chosen.policy_quotas[PolicyType.RESOURCE_CONTROL] == Quota(5120, 10, given=1)
    assert chosen.policy_quotas[PolicyType.TAG] == QUOTAS[PolicyType.TAG]


def test_more_accounts_than_aws_gives_need_the_raised_quota_and_the_field_is_named():
    many = [cell(f"cell-{at}", "eu-west-2", "GB") for at in range(8)]
    (fault,) = refusals(cells=many)
    assert (fault.rule, fault.path) == ("quota of accounts", "organization.quotas.accounts")
    assert "12 accounts" in fault.problem and "AWS allows 10" in fault.problem
    assert len(plan(cells=many, organization={"quotas": {"accounts": 12}}).accounts) == 11


def test_policies_that_are_too_long_are_refused_at_the_quotas_of_the_environment():
    short = {"serviceControlPolicies": {"characters": 100}}
    (fault,) = refusals(organization={"quotas": short})
    assert fault.path == "organization.quotas" and "at most 100" in fault.problem


def test_a_fault_has_the_line_of_environment_yaml(tmp_path):
    written = document(cells=[cell("br", "us-east-1", "BR")], organization={"regulators": []})
    (tmp_path / "environment.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
    (fault,) = refusals(cells=written["cells"], organization={"regulators": []})
    found = located(fault.in_file(), tmp_path)
    line = (tmp_path / "environment.yaml").read_text().splitlines()[found.line - 1]
    assert line.strip() == "place: us-east-1"
    assert str(found).startswith(f"environment.yaml:{found.line}: cells.0.place: the cell br stands in us-east-1")


def test_a_disposable_environment_locks_its_logs_for_a_day_and_no_other_does():
    assert {one.retention_days for one in plan(disposable=True).archives} == {1}
    assert min(one.retention_days for one in plan().archives) > 365


BACKED_UP = [cell("gb", "eu-west-2", "GB", backupPlace="eu-west-3")]


def test_the_region_of_a_cells_backups_is_one_of_its_accounts_and_has_an_archive_of_its_own():
    found = plan(cells=BACKED_UP)
    zone = found.zone_of_cell("gb")
    assert found.account("gb").regions == zone.regions == ("eu-west-2", "eu-west-3")
    assert {one.region for one in found.archives if one.unit == zone.name} == {"eu-west-2", "eu-west-3"}
    assert found.account(zone.log_archive).regions == ("eu-west-2", "eu-west-3")
    assert "eu-west-3" in found.regions and "eu-west-3" in found.account("security").watches


def test_backups_outside_the_zone_of_a_cell_are_refused():
    (fault,) = refusals(cells=[cell("br", "sa-east-1", "BR", backupPlace="us-east-1")], organization={"regulators": []})
    assert fault.path == "cells.0.backupPlace" and "us-east-1, outside the zone br" in fault.problem
