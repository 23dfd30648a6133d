"""What holds for every manifest of every tenant."""

import json
from typing import Any

import pytest
from domicile_operator.children.base import KubernetesChild
from domicile_operator.children.order import BUILD
from domicile_operator.manifests import network, routes, workload
from domicile_operator.manifests.namespace import quota
from domicile_operator.names import Names
from domicile_operator.plan import Plan, image_version
from domicile_operator.sql import groups
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.samples import plan

PLANS = st.builds(
    plan,
    name=st.from_regex(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", fullmatch=True),
    size=st.sampled_from(["small", "medium", "large"]),
    brand=st.text(min_size=1, max_size=64),
    domains=st.lists(st.sampled_from(["play.acme.example", "acme.example"]), unique=True),
)


def manifests(of: Plan) -> list[dict[str, Any]]:
    return [manifest for child in BUILD if isinstance(child, KubernetesChild) for manifest in child.desired(of)]


def pods(of: Plan) -> list[dict[str, Any]]:
    return [m["spec"]["template"] for m in manifests(of) if m["kind"] in ("Deployment", "Job")]


@given(PLANS)
def test_every_manifest_says_whose_it_is(of: Plan) -> None:
    for manifest in manifests(of):
        metadata = manifest["metadata"]
        assert metadata["labels"]["domicile.dev/tenant"] == of.names.tenant
        assert metadata["labels"]["domicile.dev/jurisdiction"] == "GB"
        assert metadata.get("namespace", metadata["name"]) == of.names.namespace
        assert all(len(value) <= 63 for value in metadata["labels"].values())
        assert len(metadata["name"]) <= 63


@given(PLANS)
def test_no_two_manifests_are_the_same_object(of: Plan) -> None:
    keys = [(m["kind"], m["metadata"]["name"]) for m in manifests(of)]
    assert len(keys) == len(set(keys))


@given(PLANS)
def test_every_pod_satisfies_the_restricted_standard(of: Plan) -> None:
    for pod in pods(of):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any(spec.get(host) for host in ("hostNetwork", "hostPID", "hostIPC"))
        assert {next(k for k in v if k != "name") for v in spec["volumes"]} <= {"configMap", "projected", "emptyDir"}
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True


@given(PLANS)
def test_no_pod_has_a_token_for_the_cluster(of: Plan) -> None:
    for pod in pods(of):
        assert pod["spec"]["automountServiceAccountToken"] is False
        sources = [s for v in pod["spec"]["volumes"] for s in v.get("projected", {}).get("sources", [])]
        assert [s["serviceAccountToken"]["audience"] for s in sources] == ["openbao"]
    for manifest in manifests(of):
        assert manifest["kind"] != "ServiceAccount" or manifest["automountServiceAccountToken"] is False


@given(PLANS)
def test_no_manifest_holds_a_secret(of: Plan) -> None:
    assert not any(manifest["kind"] == "Secret" for manifest in manifests(of))
    for pod in pods(of):
        names = {variable["name"] for c in pod["spec"]["containers"] for variable in c["env"]}
        assert not names & {"CASINO_DATABASE_URL", "CASINO_REDIS_URL", "CASINO_PSP_SECRETS"}


@given(PLANS)
def test_the_quota_has_room_for_a_rollout_and_a_migration(of: Plan) -> None:
    hard, most = quota(of)["spec"]["hard"], of.size.replicas + 2
    assert int(hard["pods"]) >= most
    assert int(hard["requests.cpu"].removesuffix("m")) >= most * of.size.cpu_m
    assert int(hard["limits.memory"].removesuffix("Mi")) >= most * of.size.memory_limit_mi


def test_the_network_is_closed_but_for_what_a_casino_needs() -> None:
    deny, casino, worker, migrate = (m["spec"] for m in network.network_policies(plan()))
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def ways(policy: dict[str, Any]) -> set[tuple[str, int]]:
        return {
            (to["ipBlock"]["cidr"], port["port"])
            for rule in policy["egress"]
            for to in rule["to"]
            if "ipBlock" in to
            for port in rule["ports"]
        }

    stores = {("10.1.2.3/32", 5432), ("10.1.2.3/32", 8200)}
    assert ways(casino) == stores | {("10.1.2.3/32", 6379), ("10.1.2.4/32", 8443)}
    assert ways(worker) == ways(casino)
    assert ways(migrate) == stores
    assert "ingress" not in migrate and "ingress" not in worker
    (into,) = casino["ingress"]
    assert into["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert into["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-system"}}}]


def test_pods_roll_when_the_rules_change_and_only_then() -> None:
    def template(of: Plan) -> Any:
        return workload.deployment(of)["spec"]["template"]

    assert template(plan()) == template(plan())
    assert template(plan()) != template(plan(rules='{"schema": 1, "min_age_years": 21}\n'))


def test_only_another_image_is_another_migration() -> None:
    def name(of: Plan) -> str:
        return str(workload.migration_job(of)["metadata"]["name"])

    assert name(plan()) == name(plan(rules="{}", size="large", brand="Other", domains=["play.example"]))
    assert name(plan()) != name(plan(image="registry.test/casino:0.2.0"))


def test_the_migration_has_the_owners_credentials_and_the_casino_has_not() -> None:
    migrate, casino = (
        {variable["name"]: variable["value"] for variable in m["spec"]["template"]["spec"]["containers"][0]["env"]}
        for m in (workload.migration_job(plan()), workload.deployment(plan()))
    )
    assert (migrate["BAO_ROLE"], migrate["BAO_DATABASE_ROLE"]) == ("casino-acme-gb-migrate", "casino-acme-gb-owner")
    assert casino["BAO_ROLE"] == "casino-acme-gb" and "BAO_DATABASE_ROLE" not in casino
    assert json.loads(casino["BAO_DATABASE_ROLES"]) == {
        "pam": "casino-acme-gb-pam", "wallet": "casino-acme-gb-wallet", "gal": "casino-acme-gb-gal",
        "compliance": "casino-acme-gb-compliance", "responsible_gaming": "casino-acme-gb-responsible-gaming",
        "game_control": "casino-acme-gb-game-control", "ops": "casino-acme-gb-ops",
    }  # fmt: skip
    assert not {"BAO_REDIS_ROLE", "BAO_DATABASE_ROLES", "BAO_TRANSIT_KEY"} & set(migrate)
    assert casino["BAO_TRANSIT_KEY"] == "casino-acme-gb"
    assert json.loads(casino["CASINO_PSP"]) == [
        {"name": "sandbox", "url": "https://psp.domicile.internal:8443", "secret_path": "cell/psp/sandbox"}
    ]


def test_the_environment_has_every_variable_of_the_contract() -> None:
    container = workload.deployment(plan())["spec"]["template"]["spec"]["containers"][0]
    assert {variable["name"] for variable in container["env"]} == {
        "CASINO_TENANT", "CASINO_BRAND", "CASINO_RULES", "CASINO_CA_FILE",
        "CASINO_DATABASE_HOST", "CASINO_DATABASE_PORT", "CASINO_DATABASE_NAME",
        "CASINO_REDIS_HOST", "CASINO_REDIS_PORT", "CASINO_REDIS_PREFIX",
        "BAO_ADDR", "BAO_ROLE", "BAO_TOKEN_FILE", "BAO_DATABASE_ROLES", "BAO_REDIS_ROLE", "BAO_TRANSIT_KEY",
        "CASINO_PSP",
    }  # fmt: skip


def test_a_rollout_takes_no_replica_away() -> None:
    assert workload.deployment(plan())["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@pytest.mark.parametrize(("size", "budgets"), [("small", 0), ("medium", 1), ("large", 1)])
def test_only_a_casino_of_several_pods_has_a_disruption_budget(size: str, budgets: int) -> None:
    assert len(workload.disruption_budgets(plan(size=size))) == budgets


def test_every_host_name_leads_to_the_casino() -> None:
    hosts = [rule["host"] for rule in routes.ingress(plan(domains=["play.acme.example"]))["spec"]["rules"]]
    assert hosts == ["acme-gb.l3f2a.localhost", "play.acme.example"]


@given(PLANS)
def test_derived_names_fit_what_they_name(of: Plan) -> None:
    names = of.names
    roles = [*groups(names), names.ledger_role, names.former_role]
    assert max(map(len, roles)) <= 63  # PostgreSQL
    assert len(set(roles)) == len(roles)
    assert len(names.namespace) <= 63
    assert names.database.isidentifier()


@given(*[st.from_regex(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", fullmatch=True)] * 2)
def test_no_two_tenants_share_a_name(one: str, two: str) -> None:
    if one == two or one.endswith("-migrate") or two.endswith("-migrate"):
        return

    def namespaces(names: Names) -> list[set[str]]:
        return [
            {names.namespace},
            {names.database},
            {*groups(names), names.ledger_role, names.former_role},
            {names.redis_prefix},
            {names.bao_role, names.bao_migrate_role},
            {*names.creds_modules.values(), names.creds_former, names.creds_owner, names.creds_redis},
        ]

    assert not any(ours & theirs for ours, theirs in zip(namespaces(Names(one)), namespaces(Names(two)), strict=True))


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry:5000/casino:0.1.0-3fa2b1c", "0.1.0-3fa2b1c"),
        ("registry:5000/casino", "latest"),
        ("casino@sha256:0123456789abcdef0123", "0123456789ab"),
    ],
)
def test_the_version_is_the_images_tag(image: str, version: str) -> None:
    assert image_version(image) == version
