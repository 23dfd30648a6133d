"""Plans of cells: what follows from an environment, and what is refused before anything is built."""

import subprocess
import sys
import time
from datetime import date
from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from cell_testkit import allowed, cell, environment, facts, listed, plan
from domicile_catalog import Attestation, load_catalogue
from domicile_infra.plan.cell import plan_cells
from domicile_infra.plan.cell_config import Stores, cell_document
from domicile_infra.plan.cidr import SubnetRole
from domicile_infra.plan.documents.roles import operator_policy
from domicile_infra.plan.egress import NO_DATAGRAMS, hosts
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.kubeconfig import kubeconfig
from domicile_infra.plan.manifests import (
    attestations_config_map,
    cell_config_map,
    gitops_manifests,
    read_attestations,
    read_manifests,
    restarted_by,
    with_images,
)
from domicile_infra.plan.retention import FOREVER, log_days, retention_years

DEPLOY = Path(__file__).parents[2] / "operators" / "deploy"
TODAY = date(2026, 11, 24)


def test_planning_imports_no_pulumi() -> None:
    package = Path(__file__).parents[1] / "src" / "domicile_infra" / "plan"
    root = package.parents[1]
    names = [".".join(file.relative_to(root).with_suffix("").parts) for file in package.rglob("*.py")]
    program = f"import sys, {', '.join(names)}\nprint([m for m in sys.modules if m.split('.')[0].startswith('pulumi')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_fifty_cells_are_planned_in_a_moment_and_overlap_nowhere() -> None:
    cells = [cell(f"c{at}-live") for at in range(50)]
    started = time.process_time()
    plans = plan_cells(environment(*cells), {one.name: facts(at) for at, one in enumerate(cells)})
    assert time.process_time() - started < 2
    assert list(plans) == [one.name for one in cells]
    assert not any(one.network.overlaps(other.network) for one, other in combinations(plans.values(), 2))


def test_the_same_environment_gives_the_same_plan() -> None:
    assert plan() == plan()


def test_what_an_environment_leaves_out_has_a_meaning() -> None:
    one = plan()
    assert one.availability_zones == ("eu-west-2a", "eu-west-2b", "eu-west-2c")
    assert one.backup_place == one.place == "eu-west-2"
    assert one.network == IPv4Network("10.64.0.0/16")
    assert one.api_cidrs == ()


def test_an_account_without_the_usual_zones_names_others() -> None:
    one = plan(availabilityZones=["eu-west-2b", "eu-west-2c", "eu-west-2d"])
    assert [net.availability_zone[-1] for net in one.subnets_for(SubnetRole.PRIVATE)] == ["b", "c", "d"]


def test_only_personas_that_the_organisation_made_enter_the_cluster_and_no_regulator() -> None:
    access = dict(plan().access)
    assert access == {
        "arn:aws:iam::111122223333:role/domicile-deployer": "AmazonEKSClusterAdminPolicy",
        "arn:aws:iam::111122223333:role/domicile-platform": "AmazonEKSClusterAdminPolicy",
        "arn:aws:iam::111122223333:role/domicile-compliance": "AmazonEKSAdminViewPolicy",
    }


def test_a_cell_may_reach_its_payment_providers_its_openbao_and_its_source() -> None:
    one = plan(gitops={"url": "https://git.example/tenants.git", "path": "environments/live"})
    # The last is the cluster's issuer, whose keys OpenBao fetches.
    issuer = "oidc.eks.eu-west-2.amazonaws.com"
    assert one.egress_hosts == ("bao.casino.example", "git.example", issuer, "psp.example")
    assert plan(openbao=None).egress_hosts == ("psp.example",)


STUDIO = {
    "name": "starbright", "title": "Starbright Games", "dialect": "rsa_status",
    "apiUrl": "https://api.studio.example", "launchUrl": "https://play.studio.example", "cidr": "203.0.113.8/32",
    "port": 443,
}  # fmt: skip


def test_a_cell_may_reach_its_studios_and_says_how_they_are_spoken_to(tmp_path: Path) -> None:
    from domicile_operator.cell import load_cell

    one = plan(openbao=None, studios=[STUDIO])
    assert one.egress_hosts == ("api.studio.example", "psp.example")
    for name, text in cell_config_map(cell_document(plan(studios=[STUDIO]), STORES), "PEM")["data"].items():
        (tmp_path / name).write_text(text)
    (loaded,) = load_cell(tmp_path).studios
    assert loaded.model_dump(by_alias=True) == STUDIO


def test_a_cell_may_reach_its_registers_and_leads_its_casinos_there(tmp_path: Path) -> None:
    from domicile_operator.cell import load_cell

    register = {
        "name": "gamstop", "register": "GAMSTOP", "url": "https://registers.example:8444", "cidr": "203.0.113.9/32",
        "port": 8444,
    }  # fmt: skip
    one = plan(exclusionRegisters=[register])
    assert "registers.example" in one.egress_hosts
    for name, text in cell_config_map(cell_document(one, STORES), "PEM")["data"].items():
        (tmp_path / name).write_text(text)
    (loaded,) = load_cell(tmp_path).exclusion_registers
    assert loaded.model_dump(by_alias=True) == register


@pytest.mark.parametrize("address", ["http://psp.example", "ssh://git@git.example/x", "https://"])
def test_what_the_firewall_could_not_name_is_refused(address: str) -> None:
    with pytest.raises(PlanError, match="TLS to a named host"):
        hosts([address])


def test_datagrams_are_dropped_by_rules_with_numbers_of_their_own() -> None:
    rules = NO_DATAGRAMS.splitlines()
    assert [rule.split()[:2] for rule in rules] == [["drop", "udp"], ["drop", "icmp"]]
    assert len({rule.split("sid:")[1] for rule in rules}) == len(rules)


def test_a_cell_whose_account_is_not_made_yet_keeps_its_network_and_stops_no_other() -> None:
    where = environment(cell("new-live"), cell("old-live"))
    alone = plan_cells(where, {"old-live": facts()})
    both = plan_cells(where, {"new-live": facts(1), "old-live": facts()})
    assert list(alone) == ["old-live"] and alone["old-live"] == both["old-live"]


def test_a_cell_that_the_environment_has_not_is_refused() -> None:
    with pytest.raises(PlanError, match="has no cell gone-live"):
        plan_cells(environment(), {"gone-live": facts()})


def test_two_cells_in_one_account_are_refused() -> None:
    cells = [cell("a-live"), cell("b-live")]
    with pytest.raises(PlanError, match="alone in its account"):
        plan_cells(environment(*cells), {one.name: facts() for one in cells})


def test_an_environment_without_an_owner_or_organisation_is_refused() -> None:
    for lacking in ("owner", "organization"):
        with pytest.raises(PlanError, match="must name both"):
            plan_cells(environment(**{lacking: None}), {"north-live": facts()})


def test_a_lock_of_no_years_is_refused() -> None:
    with pytest.raises(PlanError, match="a lock needs one"):
        plan(given={"retention_years": 0})


CATALOGUE = load_catalogue()
STORES = Stores("db.example", "cache.example", "arn:secret")


def attested(fact: str, value: object, code: str = "SG") -> Attestation:
    return Attestation.model_validate(
        {
            "jurisdiction": code,
            "fact": fact,
            "value": value,
            "source": "letter of counsel",
            "source_sha256": "0" * 64,
            "attested_by": "officer@casino.example",
            "role": "compliance officer",
            "attested_on": "2026-01-01",
            "expires_on": "2027-01-01",
        }
    )


def test_records_are_kept_as_long_as_the_strictest_of_the_jurisdictions_demands() -> None:
    each = {code: retention_years(CATALOGUE, [code], TODAY) for code in ("GB", "MT", "SE", "PT", "CH")}
    assert len(set(each.values())) > 1
    assert retention_years(CATALOGUE, each, TODAY) == max(each.values())


def test_an_unknown_retention_is_refused_until_it_is_attested() -> None:
    with pytest.raises(PlanError, match=r"unknown.*attest it for SG"):
        retention_years(CATALOGUE, ["GB", "SG"], TODAY)
    assert retention_years(CATALOGUE, ["GB", "SG"], TODAY, [attested("record_retention_years", 9)]) == 9


def test_unknown_jurisdictions_and_none_are_refused() -> None:
    with pytest.raises(PlanError, match="no jurisdiction XX"):
        retention_years(CATALOGUE, ["XX"], TODAY)
    with pytest.raises(PlanError, match="without jurisdictions"):
        retention_years(CATALOGUE, [], TODAY)


def test_audit_logs_outlive_the_retention_that_they_are_for() -> None:
    assert [log_days(years) for years in (1, 2, 5, 6, 10, 11)] == [400, 731, 1827, 2192, 3653, FOREVER]
    assert all(log_days(years) >= years * 365.25 for years in range(1, 11))


def test_a_cell_describes_itself_as_the_operator_reads_it() -> None:
    one = plan(backupPlace="eu-west-1", given={"attestation_root": "SHA256:" + "a" * 43, "attestation_serial": 4})
    content = cell_document(one, STORES)
    assert content["places"] == ["eu-west-2"] and content["copyPlaces"] == ["eu-west-1"]
    assert content["postgresql"] == {
        "host": "db.example",
        "port": 5432,
        "cidr": "10.64.192.0/20",
        "administrator": {"secret": "arn:secret", "region": "eu-west-2"},
    }
    assert content["redis"]["cidr"] == content["postgresql"]["cidr"]
    assert (content["attestationRoot"], content["attestationSerial"]) == ("SHA256:" + "a" * 43, 4)
    assert content["paymentProviders"][0]["name"] == "sandbox"


def test_the_operator_can_load_what_the_cell_says(tmp_path: Path) -> None:
    from domicile_operator.cell import load_cell

    data = cell_config_map(cell_document(plan(), STORES), "PEM")["data"]
    for name, text in data.items():
        (tmp_path / name).write_text(text)
    loaded = load_cell(tmp_path)
    assert (loaded.name, loaded.places, loaded.ca_pem) == ("north-live", ("eu-west-2",), "PEM")
    assert loaded.postgresql.host == "db.example" and loaded.production
    assert loaded.postgresql.administrator and loaded.postgresql.administrator.secret == "arn:secret"
    users = loaded.redis.elasticache
    assert users is not None
    assert (users.region, users.user_group, users.engine) == ("eu-west-2", "north-live", "valkey")
    assert users.tags == plan().tags.tags()


def test_the_operators_role_is_for_the_users_that_it_makes() -> None:
    from domicile_operator.names import Names

    policy = operator_policy(plan().scope, "north-live")
    (users,) = {one for each in allowed(policy) for one in listed(each["Resource"]) if ":user:" in one}
    longest = f"arn:aws:elasticache:eu-west-2:111122223333:user:{Names('a' * 32).cache_user}"
    assert fnmatchcase(longest, users)
    assert not fnmatchcase("arn:aws:elasticache:eu-west-2:111122223333:user:north-live-nobody", users)


def test_a_cell_without_openbao_has_no_workloads() -> None:
    with pytest.raises(PlanError, match="has no OpenBao"):
        cell_document(plan(openbao=None), STORES)


def test_the_operators_manifests_are_read_in_the_order_of_their_kustomization() -> None:
    kinds = [one["kind"] for one in read_manifests(DEPLOY)]
    assert kinds[:2] == ["Namespace", "CustomResourceDefinition"] and kinds[-1] == "Deployment"
    assert "ValidatingAdmissionPolicy" in kinds


def test_images_are_set_where_the_manifests_leave_them_open() -> None:
    text = yaml.safe_dump_all(with_images(read_manifests(DEPLOY), "registry/operator:1", "registry/casino:2"))
    assert "registry/operator:1" in text and "registry/casino:2" in text and ":unset" not in text
    with pytest.raises(PlanError, match="no image `domicile-operator:unset`"):
        with_images([{"kind": "Deployment"}], "a", "b")


def test_a_kustomization_that_changes_what_it_lists_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\nnamePrefix: x-\n")
    with pytest.raises(PlanError, match="does more than list resources"):
        read_manifests(tmp_path)
    with pytest.raises(PlanError, match="cannot be read"):
        read_manifests(tmp_path / "nowhere")


def test_the_operator_starts_anew_when_its_cell_changes_and_only_then() -> None:
    deployment = next(one for one in read_manifests(DEPLOY) if one["kind"] == "Deployment")
    one, same, other = (cell_config_map({"name": name}, "") for name in ("a", "a", "b"))
    assert restarted_by(deployment, one) == restarted_by(deployment, same) != restarted_by(deployment, other)
    namespace = {"kind": "Namespace"}
    assert restarted_by(namespace, one) is namespace


def test_attestations_too_large_or_oddly_named_are_refused() -> None:
    assert attestations_config_map({"b.yaml": "2", "a.sig": "1"})["data"] == {"a.sig": "1", "b.yaml": "2"}
    with pytest.raises(PlanError, match="remove those that have expired"):
        attestations_config_map({"a.yaml": "x" * 900_001})
    with pytest.raises(PlanError, match="Rename it"):
        attestations_config_map({"a b.yaml": ""})


def test_attestations_are_read_byte_for_byte_and_none_is_no_fault(tmp_path: Path) -> None:
    assert read_attestations(tmp_path / "attestations") == {}
    for name, content in (("b.yaml.sig", b"s\r\n"), ("b.yaml", b"a: \xc3\xa9"), ("notes.txt", b"no")):
        (tmp_path / name).write_bytes(content)
    assert read_attestations(tmp_path) == {"b.yaml": "a: \u00e9", "b.yaml.sig": "s\r\n"}
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(PlanError, match=r"c\.yaml cannot be read"):
        read_attestations(tmp_path)


def test_a_source_is_synced_without_pruning_tenants() -> None:
    known, source, sync = gitops_manifests("c", "https://git.example/t", "main", "environments/live", {"A": "1"})
    assert sync["spec"]["prune"] is False and sync["spec"]["path"] == "./environments/live"
    assert source["spec"]["ref"] == {"branch": "main"} and known["data"] == {"A": "1"}


def test_a_kubeconfig_holds_no_credential() -> None:
    content = yaml.safe_load(kubeconfig("c", "https://api.example", "Q0E=", "eu-west-2", "arn:role"))
    user = content["users"][0]["user"]
    assert set(user) == {"exec"} and "arn:role" in user["exec"]["args"] and "eu-west-2" in user["exec"]["args"]
