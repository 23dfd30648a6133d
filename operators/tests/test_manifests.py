"""What holds for every manifest of every tenant."""

import json
from dataclasses import replace
from typing import Any

import pytest
from domicile_operator.children.base import KubernetesChild
from domicile_operator.children.order import BUILD
from domicile_operator.manifests import routes, workload
from domicile_operator.manifests.namespace import quota
from domicile_operator.names import Names
from domicile_operator.operation import Operation, Record
from domicile_operator.plan import SIZES, WORKER_SIZE, Plan, image_version
from domicile_operator.sql import groups
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.samples import ARCHIVING, CELL, plan

RULES = {"schema": 1, "jurisdiction": "GB", "currency": "GBP", "currency_exponent": 2, "timezone": "Europe/London"}
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
    hard = quota(of)["spec"]["hard"]
    # A Deployment has one pod more while it rolls, and the migration's pod runs beside them.
    kinds = [(of.size, of.size.most + 1), (WORKER_SIZE, 2), (of.realtime_size, of.realtime_size.most + 1)]
    kinds.append((SIZES["small"], 2))
    assert int(hard["pods"]) >= sum(pods for _, pods in kinds)
    assert int(hard["requests.cpu"].removesuffix("m")) >= sum(size.cpu_m * pods for size, pods in kinds)
    assert int(hard["limits.cpu"].removesuffix("m")) >= sum(size.cpu_limit_m * pods for size, pods in kinds)
    assert int(hard["limits.memory"].removesuffix("Mi")) >= sum(size.memory_limit_mi * pods for size, pods in kinds)


DEPLOYMENTS = [workload.deployment, workload.worker_deployment, workload.realtime_deployment]


@pytest.mark.parametrize("made", DEPLOYMENTS)
def test_no_pod_rolls_for_rules_that_running_casinos_take_on(made: Any) -> None:
    for changed in (
        {"min_age_years": 21}, {"slot_max_stake": None}, {"catalogue_version": "x", "session_idle_timeout_s": 60},
    ):  # fmt: skip
        of = plan(rules=json.dumps(RULES | changed))
        assert made(of) == made(plan(rules=json.dumps(RULES)))
        assert workload.config_map(of)["data"]["rules.json"] == of.rules.text


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "EUR"}, {"timezone": "Europe/Malta"}, {"currency_exponent": 3},
        {"registration_fields": ["name"]}, {"geolocation_moments": ["bet"]},
    ],
)  # fmt: skip
def test_rules_that_a_casino_takes_on_at_its_start_alone_roll_its_pods(changed: dict[str, Any]) -> None:
    before, after = plan(rules=json.dumps(RULES)), plan(rules=json.dumps(RULES | changed))
    for made in (workload.deployment, workload.worker_deployment):
        assert made(before) != made(after)
    assert workload.realtime_deployment(before) == workload.realtime_deployment(after)


NETWORKS = "network,region,anonymiser\n198.51.100.0/24,US-NJ,0\n"


def test_the_database_of_networks_reaches_those_casinos_whose_rules_ask_for_places() -> None:
    here = CELL.model_copy(update={"networks": NETWORKS, "trusted_proxies": 1})
    asking = json.dumps(RULES | {"geolocation_moments": ["login"]})
    of, other = plan(cell=here, rules=asking), plan(cell=here, rules=json.dumps(RULES))
    assert workload.config_map(of)["data"]["networks.csv"] == NETWORKS
    assert "networks.csv" not in workload.config_map(other)["data"]
    for made in (workload.deployment, workload.worker_deployment):
        assert variables(made(of))["CASINO_IP_NETWORKS"] == "/etc/casino/networks.csv"
        assert variables(made(of))["CASINO_TRUSTED_PROXIES"] == "1"
        assert "CASINO_IP_NETWORKS" not in variables(made(other))
        moved = CELL.model_copy(update={"networks": NETWORKS.replace("NJ", "NY"), "trusted_proxies": 1})
        assert made(of) != made(plan(cell=moved, rules=asking))
        assert made(other) == made(plan(cell=moved, rules=json.dumps(RULES)))


def test_the_worker_alone_has_the_volume_of_sealed_months_where_the_cell_has_one() -> None:
    of, other = plan(cell=ARCHIVING), plan()
    (claim,) = workload.ledger_archive(of)
    assert claim["metadata"]["namespace"] == of.names.namespace
    assert claim["spec"]["storageClassName"] == "kept"
    assert claim["spec"]["resources"] == {"requests": {"storage": "20Gi"}}
    worker = workload.worker_deployment(of)
    pod = worker["spec"]["template"]["spec"]
    (volume,) = (v for v in pod["volumes"] if v["name"] == "ledger")
    assert volume["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "ledger")
    assert variables(worker)["CASINO_LEDGER_ARCHIVE"] == mount["mountPath"]
    assert worker["spec"]["strategy"] == {"type": "Recreate"}
    assert workload.deployment(of) == workload.deployment(other)
    assert workload.realtime_deployment(of) == workload.realtime_deployment(other)
    assert "CASINO_LEDGER_ARCHIVE" not in variables(workload.worker_deployment(other))
    assert workload.ledger_archive(other) == []
    claims = [quota(one)["spec"]["hard"]["persistentvolumeclaims"] for one in (of, other)]
    assert claims == ["1", "0"]


@pytest.mark.parametrize("made", DEPLOYMENTS)
def test_every_pod_rolls_for_another_authority_or_image(made: Any) -> None:
    renewed = CELL.model_copy(update={"ca_pem": "-----BEGIN CERTIFICATE-----\nrenewed\n"})
    assert made(plan()) != made(plan(cell=renewed))
    assert made(plan()) != made(plan(image="registry.test/casino:0.2.0"))


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
        "CASINO_TENANT", "CASINO_BRAND", "CASINO_LICENCE_HOLDER", "CASINO_RULES", "CASINO_CA_FILE", "CASINO_RELEASE",
        "CASINO_DATABASE_HOST", "CASINO_DATABASE_PORT", "CASINO_DATABASE_NAME",
        "CASINO_REDIS_HOST", "CASINO_REDIS_PORT", "CASINO_REDIS_PREFIX",
        "BAO_ADDR", "BAO_ROLE", "BAO_TOKEN_FILE", "BAO_DATABASE_ROLES", "BAO_REDIS_ROLE", "BAO_TRANSIT_KEY",
        "CASINO_PSP", "CASINO_STUDIOS", "CASINO_REALTIME_URL", "CASINO_TRUSTED_PROXIES",
        "CASINO_OPERATION",
    }  # fmt: skip


def variables(manifest: dict[str, Any]) -> dict[str, str]:
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize("made", [workload.deployment, workload.worker_deployment])
def test_what_may_be_done_reaches_the_pods_as_a_folder_that_may_be_missing_and_rolls_none(made: Any) -> None:
    of = plan()
    pod = made(of)["spec"]["template"]["spec"]
    (volume,) = (v for v in pod["volumes"] if v["name"] == "operation")
    assert volume["configMap"] == {"name": "casino-operation", "optional": True}
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "operation")
    assert mount == {"name": "operation", "mountPath": "/etc/casino-operation", "readOnly": True}
    assert variables(made(of))["CASINO_OPERATION"] == f"{mount['mountPath']}/operation.json"
    suspended = replace(of, operation=Record(9, Operation("Suspended", frozenset())))
    assert made(suspended) == made(of)


def test_who_does_nothing_that_the_law_names_is_not_told_what_may_be_done() -> None:
    for made in (workload.realtime_deployment, workload.migration_job):
        assert "operation" not in {volume["name"] for volume in made(plan())["spec"]["template"]["spec"]["volumes"]}


def test_real_time_knows_redis_and_nothing_else_of_the_casino() -> None:
    assert variables(workload.realtime_deployment(plan(domains=["play.acme.example"]))) == {
        "CASINO_TENANT": "acme-gb", "CASINO_CA_FILE": "/etc/casino/ca.crt",
        "CASINO_REDIS_HOST": "data1.domicile.internal", "CASINO_REDIS_PORT": "6379",
        "CASINO_REDIS_PREFIX": "acme-gb:",
        "CASINO_REALTIME_ORIGINS": '["https://acme-gb.l3f2a.localhost:18443", "https://play.acme.example:18443"]',
        "BAO_ADDR": "https://data1.domicile.internal:8200", "BAO_ROLE": "casino-acme-gb-realtime",
        "BAO_TOKEN_FILE": "/var/run/secrets/openbao/token", "BAO_REDIS_ROLE": "casino-acme-gb-realtime-redis",
    }  # fmt: skip


def test_a_casino_may_do_without_studios_and_gets_those_that_it_names_as_the_cell_describes_them() -> None:
    assert json.loads(variables(workload.deployment(plan()))["CASINO_STUDIOS"]) == []
    of = plan(studios=[{"name": "starbright"}])
    for made in (workload.deployment, workload.worker_deployment):
        assert json.loads(variables(made(of))["CASINO_STUDIOS"]) == [
            {
                "studio": "starbright", "name": "Starbright Games", "dialect": "rsa_status",
                "api_url": "https://api.starbright.example:9443", "launch_url": "https://play.starbright.example",
                "secret_path": "cell/studios/starbright",
            }
        ]  # fmt: skip


@pytest.mark.parametrize("made", DEPLOYMENTS)
def test_a_rollout_takes_no_replica_away(made: Any) -> None:
    spec = made(plan())["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    # Five seconds until the cluster looks away, five in which clients are told, and room.
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= 30


@given(PLANS)
def test_each_process_is_looked_at_on_the_port_that_it_listens_on(of: Plan) -> None:
    for made, service, listens in (
        (workload.deployment, routes.service, 8080),
        (workload.worker_deployment, routes.worker_service, 8080),
        (workload.realtime_deployment, routes.realtime_service, 8081),
    ):
        template, routed = made(of)["spec"]["template"], service(of)["spec"]
        (container,) = template["spec"]["containers"]
        assert [(port["name"], port["containerPort"]) for port in container["ports"]] == [("http", listens)]
        assert {container[p]["httpGet"]["port"] for p in ("startupProbe", "readinessProbe", "livenessProbe")} == {
            "http"
        }
        assert routed["ports"][0]["targetPort"] == "http"
        assert routed["selector"].items() <= template["metadata"]["labels"].items()


@pytest.mark.parametrize(("size", "budgets"), [("small", 0), ("medium", 2), ("large", 2)])
def test_only_a_casino_of_several_pods_has_a_disruption_budget(size: str, budgets: int) -> None:
    assert len(workload.disruption_budgets(plan(size=size))) == budgets


@pytest.mark.parametrize("size", list(SIZES))
def test_a_disruption_budget_lets_a_node_be_drained_whatever_the_number_and_state_of_its_pods(size: str) -> None:
    for budget in workload.disruption_budgets(plan(size=size)):
        spec = budget["spec"]
        assert (spec["maxUnavailable"], "minAvailable" in spec) == (1, False)
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize("size", list(SIZES))
def test_what_can_be_several_pods_prefers_several_zones_and_nodes_and_starts_without_them(size: str) -> None:
    of = plan(size=size)
    for made, most in (
        (workload.deployment, of.size.most),
        (workload.worker_deployment, WORKER_SIZE.most),
        (workload.realtime_deployment, of.realtime_size.most),
    ):
        template = made(of)["spec"]["template"]
        spread = template["spec"].get("topologySpreadConstraints", [])
        over = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"] if most > 1 else []
        assert [one["topologyKey"] for one in spread] == over
        for one in spread:
            assert one["whenUnsatisfiable"] == "ScheduleAnyway"
            assert one["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_every_host_name_leads_to_the_casino() -> None:
    hosts = [rule["host"] for rule in routes.ingress(plan(domains=["play.acme.example"]))["spec"]["rules"]]
    assert hosts == ["acme-gb.l3f2a.localhost", "play.acme.example"]


@given(PLANS)
def test_every_host_name_leads_websockets_to_real_time_and_the_rest_to_the_casino(of: Plan) -> None:
    for rule in routes.ingress(of)["spec"]["rules"]:
        assert [(p["path"], p["pathType"], p["backend"]["service"]["name"]) for p in rule["http"]["paths"]] == [
            ("/ws", "Exact", "casino-realtime"), ("/", "Prefix", "casino"),
        ]  # fmt: skip
    assert variables(workload.deployment(of))["CASINO_REALTIME_URL"] == "/ws"


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
    if one == two or one.endswith(("-migrate", "-realtime")) or two.endswith(("-migrate", "-realtime")):
        return

    def namespaces(names: Names) -> list[set[str]]:
        return [
            {names.namespace},
            {names.database},
            {*groups(names), names.ledger_role, names.former_role},
            {names.redis_prefix},
            {names.bao_role, names.bao_migrate_role, names.bao_realtime_role},
            {
                *names.creds_modules.values(),
                names.creds_former,
                names.creds_owner,
                names.creds_redis,
                names.creds_realtime,
            },
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
