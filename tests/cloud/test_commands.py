"""The command over the same stacks: previews, the policy pack, plans that are checked, what is refused first."""

from __future__ import annotations

import json

from tests.cloud.world import GB, ORGANIZATION, Up, World


def test_the_pack_finds_nothing_that_stops_what_was_built(world: World, cell: Up) -> None:
    told = world.told("preview", "--stack", ORGANIZATION, "--stack", GB)
    assert [one["stack"] for one in told] == [ORGANIZATION, GB]
    for one in told:
        assert one["changes"] == {} and one["unchanged"] > 50
        assert [problem for problem in one["problems"] if problem["error"]] == []


def test_a_plan_is_checked_without_the_engine(world: World, cell: Up) -> None:
    plan = world.pulumi(GB, "preview", "--json", "--show-sames")
    path = world.folder / "plan.json"
    path.write_text(plan[plan.index("{") :])
    told = json.loads(world.run("domicile", "check", "environments/lab", str(path), "--json"))
    assert told["resources"] > 150 and not [one for one in told["findings"] if one["stops"]]
    exposed = path.read_text().replace('"storageEncrypted": true', '"storageEncrypted": false')
    assert exposed != path.read_text()
    path.write_text(exposed)
    told = json.loads(world.run("domicile", "check", "environments/lab", str(path), "--json", fails=True))
    assert "encrypted-at-rest" in {one["rule"] for one in told["findings"] if one["stops"]}


def test_a_plain_pulumi_up_is_refused_by_the_environments_line_too(world: World, cell: Up) -> None:
    with world.edited(
        "    place: eu-west-2\n    jurisdictions: [GB]", "    place: eu-west-2\n    jurisdictions: [GB, NL]"
    ):
        refused = world.pulumi(GB, "up", "--yes", "--skip-preview", fails=True)
        assert "environment.yaml:" in refused and "NO_PLACE_IN_TERRITORY" in refused and "Traceback" not in refused


def test_a_cells_stack_without_its_organisation_says_what_to_do_first(world: World, cell: Up) -> None:
    with world.edited("stack: organization-lab", "stack: organization-not-built"):
        refused = world.pulumi(GB, "preview", fails=True)
        assert "organization-not-built" in refused and "Traceback" not in refused


def test_a_preview_of_what_is_not_built_yet_shows_the_organisation_and_names_what_comes_after(world: World) -> None:
    before = world.environment_file.read_text()
    try:
        world.edit("stack: organization-lab", "stack: organization-new")
        told = world.domicile("preview", "--stack", "organization-new", "--stack", GB, "--no-policies")
        assert "preview organization-new: would be" in told and "created" in told
        assert "preview gb-lab: not yet: the stack organization-new makes its account" in told
    finally:
        world.environment_file.write_text(before)


def test_an_existing_organisation_that_lacks_what_is_needed_is_refused_before_anything_is_built(
    world: World, organization: Up
) -> None:
    before = world.environment_file.read_text()
    organizations = world.raw("organizations", "123456789012", "us-east-1")
    identity = organizations.describe_organization()["Organization"]["Id"]
    service = "guardduty.amazonaws.com"
    try:
        world.edit("stack: organization-lab", f"stack: organization-adopting\n  existing: {{id: {identity}}}")
        organizations.disable_aws_service_access(ServicePrincipal=service)
        told = world.domicile("preview", "--stack", "organization-adopting", "--no-policies", fails=True)
        assert f"enable-aws-service-access --service-principal {service}" in told and "Traceback" not in told
        organizations.enable_aws_service_access(ServicePrincipal=service)
        told = world.domicile("preview", "--stack", "organization-adopting", "--no-policies")
        assert "preview organization-adopting: would be" in told
    finally:
        organizations.enable_aws_service_access(ServicePrincipal=service)
        world.environment_file.write_text(before)


def test_credentials_of_another_account_are_refused_before_the_engine_starts(world: World, cell: Up) -> None:
    with world.edited('account: "123456789012"', 'account: "210987654321"'):
        refused = world.domicile("preview", fails=True)
        assert "environment.yaml:" in refused and "credentials are of account 123456789012" in refused


def test_the_cluster_has_the_operator_and_refuses_what_is_unlawful(world: World, cell: Up) -> None:
    found = json.loads(
        world.cluster.kubectl("get", "deployment", "domicile-operator", "-n", "domicile-system", "-o", "json")
    )
    assert found["spec"]["template"]["spec"]["containers"][0]["image"].endswith("domicile-operator:lab")
    told = world.cluster.kubectl(
        "get", "configmap", "domicile-cell", "-n", "domicile-system", "-o", "jsonpath={.data.cell\\.yaml}"
    )
    assert "places:\n- eu-west-2" in told
    tenant = (world.project / "environments" / "lab" / "tenants" / "acme-gb.yaml").read_text()
    refused = world.cluster.kubectl("apply", "-f", "-", stdin=tenant, check=False)
    assert "no params found" in refused  # nobody has told the law yet: the operator does not run here
