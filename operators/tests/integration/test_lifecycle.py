"""The operator as a process against real servers: from YAML to Live, and back to nothing."""

import json
import time
import urllib.request
from pathlib import Path

import hvac
import psycopg
import pytest
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, condition, manifest, namespace_from_before, status, until

pytestmark = pytest.mark.apiserver


def go_live(cell: Cell, name: str, replicas: int = 1, **spec: object) -> Controllers:
    apply(cell, manifest(name, **spec))
    hands = Controllers(cell, name)
    hands.finish_migration()
    hands.roll_out(replicas)
    until(cell, name, "Ready", "True")
    return hands


def logged_in(cell: Cell, tenant: str, account: str, role: str) -> hvac.Client:
    """OpenBao as a pod of the tenant sees it."""
    token = cell.cluster.kubectl("create", "token", account, "-n", f"casino-{tenant}", "--audience=openbao").strip()
    client = hvac.Client(cell.openbao.address, verify=str(cell.authority.certificate))
    client.auth.jwt.jwt_login(role=role, jwt=token)
    return client


def database_login(client: hvac.Client, role: str) -> tuple[str, str]:
    data = client.read(f"database/creds/{role}")["data"]
    return data["username"], data["password"]


PLAIN = "MDEwMjAz"  # base64, as OpenBao takes it


def seal(client: hvac.Client, key: str) -> str:
    return str(client.write_data(f"transit/encrypt/{key}", data={"plaintext": PLAIN})["data"]["ciphertext"])


def opened(client: hvac.Client, key: str, sealed: str) -> str:
    return str(client.write_data(f"transit/decrypt/{key}", data={"ciphertext": sealed})["data"]["plaintext"])


def connect(cell: Cell, database: str, login: tuple[str, str]) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(cell.postgres.dsn(database, *login), autocommit=True)


def test_a_tenant_becomes_live(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("live-gb"))
    until(cell, "live-gb", "Progressing", "True", "Waiting")
    namespace = ["-n", "casino-live-gb"]
    assert not cell.cluster.kubectl("get", "deployments", *namespace, "-o", "name")  # kept back by the migration
    hands = Controllers(cell, "live-gb")
    hands.finish_migration()
    hands.roll_out()
    started = time.monotonic()
    ready = until(cell, "live-gb", "Ready", "True")
    assert time.monotonic() - started < 5
    assert ready["message"] == "Players are served at https://live-gb.casinos.test:18443/"
    found = status(cell, "live-gb")
    assert (found["state"], found["place"], found["version"]) == ("Live", "eu-west-2", "0.1.0-abc1234")
    assert {c["type"]: c["status"] for c in found["conditions"]} == {
        "Ready": "True", "Placed": "True", "Attested": "True", "LicenceValid": "True", "Lawful": "True",
        "ExclusionRegister": "False", "Secrets": "True", "Database": "True", "RulesInForce": "Unknown",
        "OperationInForce": "Unknown", "GamesVerified": "False", "Release": "True",
        "Progressing": "False", "Degraded": "False", "Paused": "False", "DriftDetected": "False",
    }  # fmt: skip
    kinds = {child["kind"] for child in found["children"]}
    assert kinds >= {"Namespace", "Deployment", "PostgreSQLDatabase", "OpenBaoPolicy", "NetworkPolicy", "Job"}
    events = cell.cluster.kubectl("get", "events", "-n", "default", "-o", "json")
    mine = [e for e in json.loads(events)["items"] if e["involvedObject"]["name"] == "live-gb"]
    assert sorted(e["reason"] for e in mine) == ["Live", "Progressing"]  # transitions, and nothing else


def test_kopf_writes_nothing_of_its_own(cell: Cell, operator: Operator) -> None:
    go_live(cell, "clean-gb")
    found = json.loads(cell.cluster.kubectl("get", "casino", "clean-gb", "-o", "json", "--show-managed-fields"))
    assert found["metadata"]["finalizers"] == ["casino.domicile.dev/teardown"]
    assert "kopf" not in json.dumps(found)


def test_a_settled_tenant_causes_no_writes(cell: Cell, operator: Operator) -> None:
    go_live(cell, "still-gb")
    time.sleep(1)

    def versions() -> str:
        return cell.cluster.kubectl(
            "get", "deploy,svc,ingress,cm,sa,netpol,quota,limits,job,pdb,hpa", "-n", "casino-still-gb",
            "-o", "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}",
        ) + cell.cluster.kubectl("get", "casino", "still-gb", "-o", "jsonpath={.metadata.resourceVersion}")  # fmt: skip

    def at_rest() -> bool:
        before = versions()
        time.sleep(7)  # more than one resync
        return versions() == before

    eventually(at_rest, 60, "a tenant at rest")


CHILDREN = [
    "networkpolicy/default-deny", "networkpolicy/casino", "resourcequota/tenant", "limitrange/tenant",
    "serviceaccount/casino", "serviceaccount/casino-migrate", "configmap/casino-config", "service/casino",
    "ingress/casino", "poddisruptionbudget/casino", "deployment/casino",
    "networkpolicy/casino-realtime", "serviceaccount/casino-realtime", "service/casino-realtime",
    "poddisruptionbudget/casino-realtime", "deployment/casino-realtime",
    "horizontalpodautoscaler/casino", "horizontalpodautoscaler/casino-realtime",
]  # fmt: skip


@pytest.fixture(scope="module")
def drifting(cell: Cell, operator: Operator) -> str:
    go_live(cell, "drift-gb", replicas=2, size="medium")
    return "drift-gb"


@pytest.mark.parametrize("child", CHILDREN)
def test_a_deleted_child_comes_back(cell: Cell, drifting: str, child: str) -> None:
    namespace = ["-n", f"casino-{drifting}"]
    before = cell.cluster.kubectl("get", child, *namespace, "-o", "jsonpath={.metadata.uid}")
    cell.cluster.kubectl("delete", child, *namespace, "--wait=true")

    def back() -> bool:
        uid = cell.cluster.kubectl("get", child, *namespace, "-o", "jsonpath={.metadata.uid}", "--ignore-not-found")
        return bool(uid) and uid != before

    eventually(back, 30, child)


def test_a_deleted_migration_runs_again(cell: Cell, drifting: str) -> None:
    namespace = ["-n", f"casino-{drifting}"]
    cell.cluster.kubectl("delete", "jobs", "--all", *namespace)
    Controllers(cell, drifting).finish_migration()
    Controllers(cell, drifting).roll_out(2)
    until(cell, drifting, "Ready", "True")


def test_an_edited_child_is_put_right_and_a_foreign_field_is_left(cell: Cell, drifting: str) -> None:
    where = ["deployment/casino", "-n", f"casino-{drifting}"]
    cell.cluster.kubectl("annotate", *where, "someone.else/note=kept")
    cell.cluster.kubectl("patch", *where, "-p", '{"spec": {"template": {"spec": {"enableServiceLinks": true}}}}')
    path = "jsonpath={.spec.template.spec.enableServiceLinks}{.metadata.annotations.someone\\.else/note}"
    eventually(lambda: cell.cluster.kubectl("get", *where, "-o", path) == "falsekept", 10)


def test_drift_outside_the_cluster_is_repaired(cell: Cell, drifting: str) -> None:
    cell.bao.delete(f"sys/policies/acl/casino-{drifting}")
    cell.bao.delete(f"auth/jwt/role/casino-{drifting}")
    cell.bao.write_data(f"database/roles/casino-{drifting}-wallet", data={
        "db_name": "postgresql", "creation_statements": ["SELECT 1"],
    })  # fmt: skip
    cell.bao.write_data(f"transit/keys/casino-{drifting}/config", data={"deletion_allowed": True})
    cell.sql("GRANT CONNECT ON DATABASE casino_drift_gb TO PUBLIC")
    cell.sql("REVOKE casino_drift_gb_wallet FROM openbao")
    eventually(lambda: cell.bao.read(f"sys/policies/acl/casino-{drifting}"), 30)
    eventually(lambda: cell.bao.read(f"auth/jwt/role/casino-{drifting}"), 30)
    key = f"transit/keys/casino-{drifting}"
    eventually(lambda: cell.bao.read(key)["data"]["deletion_allowed"] is False, 30)
    role = f"database/roles/casino-{drifting}-wallet"
    eventually(lambda: "LOGIN" in cell.bao.read(role)["data"]["creation_statements"][0], 30)
    eventually(
        lambda: cell.sql("SELECT has_database_privilege('public', 'casino_drift_gb', 'CONNECT')") == [(False,)], 30
    )
    eventually(lambda: database_login(logged_in(cell, drifting, "casino", f"casino-{drifting}"), role[15:]), 30)


def test_a_lost_namespace_is_built_again(cell: Cell, operator: Operator) -> None:
    hands = go_live(cell, "lost-gb")
    cell.cluster.kubectl("delete", "namespace", "casino-lost-gb", "--wait=false")
    hands.delete_namespace()
    hands.finish_migration()
    hands.roll_out()
    until(cell, "lost-gb", "Ready", "True")


def test_a_namespace_of_somebody_else_is_left_alone(cell: Cell, operator: Operator) -> None:
    namespace_from_before(cell.cluster, "casino-theirs-gb")
    apply(cell, manifest("theirs-gb"))
    found = until(cell, "theirs-gb", "Ready", "False", "NAMESPACE_NOT_OURS")
    assert "give the tenant another name" in found["message"]
    assert not cell.cluster.kubectl("get", "deploy,networkpolicy", "-n", "casino-theirs-gb", "-o", "name")


def test_the_casinos_credentials_work_and_reach_nothing_else(cell: Cell, operator: Operator) -> None:
    go_live(cell, "one-gb")
    go_live(cell, "two-gb")
    migration = logged_in(cell, "one-gb", "casino-migrate", "casino-one-gb-migrate")
    owner = database_login(migration, "casino-one-gb-owner")
    with connect(cell, "casino_one_gb", owner) as connection:
        connection.execute("CREATE SCHEMA wallet")
        connection.execute("CREATE TABLE wallet.entries (id bigint)")
        connection.execute("GRANT USAGE ON SCHEMA wallet TO casino_one_gb_wallet")
        connection.execute("GRANT SELECT, INSERT ON wallet.entries TO casino_one_gb_wallet")
    owners = "SELECT tableowner FROM pg_tables WHERE tablename = 'entries'"
    assert cell.sql(owners, "casino_one_gb") == [("casino_one_gb_owner",)]

    casino = logged_in(cell, "one-gb", "casino", "casino-one-gb")
    app = database_login(casino, "casino-one-gb-wallet")
    with connect(cell, "casino_one_gb", app) as connection:
        connection.execute("INSERT INTO wallet.entries VALUES (1)")
        for statement in ("DELETE FROM wallet.entries", "CREATE TABLE t (id int)", "DROP TABLE wallet.entries"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    for database in ("casino_two_gb", "postgres"):
        if database == "casino_two_gb":
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connect(cell, database, app)

    for path in ("database/creds/casino-two-gb-wallet", "database/creds/casino-one-gb-owner"):
        with pytest.raises(hvac.exceptions.Forbidden):
            casino.read(path)
    with pytest.raises(hvac.exceptions.Forbidden):
        migration.read("database/creds/casino-one-gb-wallet")
    sealed = seal(casino, "casino-one-gb")
    assert opened(casino, "casino-one-gb", sealed) == PLAIN
    for client, key in ((casino, "casino-two-gb"), (migration, "casino-one-gb")):
        with pytest.raises(hvac.exceptions.Forbidden):
            opened(client, key, sealed)
    with pytest.raises(hvac.exceptions.InvalidRequest):
        logged_in(cell, "two-gb", "casino", "casino-one-gb")

    # A lease that ends takes its open sessions with it.
    connection = connect(cell, "casino_one_gb", app)
    cell.bao.sys.revoke_prefix("database/creds/casino-one-gb-wallet")
    eventually(lambda: cell.sql(f"SELECT count(*) FROM pg_roles WHERE rolname = '{app[0]}'") == [(0,)], 10)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_delete_retains_the_records_and_closes_every_way_to_them(cell: Cell, operator: Operator) -> None:
    hands = go_live(cell, "keep-gb")
    casino = logged_in(cell, "keep-gb", "casino", "casino-keep-gb")
    app, sealed = database_login(casino, "casino-keep-gb-wallet"), seal(casino, "casino-keep-gb")
    cell.cluster.kubectl("delete", "casino", "keep-gb", "--wait=false")
    eventually(lambda: status(cell, "keep-gb")["state"] == "Deleting")
    assert "being deleted" in condition(cell, "keep-gb", "Progressing")["message"]
    hands.delete_namespace()
    eventually(lambda: not cell.cluster.kubectl("get", "casino", "keep-gb", "--ignore-not-found"), 20)
    assert cell.sql("SELECT datallowconn FROM pg_database WHERE datname = 'casino_keep_gb'") == [(False,)]
    assert cell.sql(f"SELECT count(*) FROM pg_roles WHERE rolname = '{app[0]}'") == [(0,)]
    # Neither logs in: the owner hands functions over to the ledger's role.
    between = [("casino_keep_gb_ledger", "casino_keep_gb_owner")]
    members = (
        "SELECT r.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid "
        "JOIN pg_roles m ON m.oid = a.member WHERE r.rolname LIKE 'casino_keep_gb%' "
        "AND m.rolname NOT IN ('domicile_provisioner', 'postgres')"
    )
    assert cell.sql(members) == between
    assert cell.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'casino_keep_gb%' AND rolcanlogin") == [(0,)]
    for path in (
        "sys/policies/acl/casino-keep-gb",
        "auth/jwt/role/casino-keep-gb",
        "database/roles/casino-keep-gb-wallet",
    ):
        assert cell.bao.read(path) is None
    with pytest.raises(hvac.exceptions.Forbidden):
        opened(casino, "casino-keep-gb", sealed)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/metrics").read().decode()
    assert 'tenant="keep-gb"' not in metrics

    # The same licence finds its records again; another is refused.
    other = {"number": "another", "holder": "Acme Ltd", "validUntil": "2099-12-31"}
    apply(cell, manifest("keep-gb", licence=other, deletionPolicy="Delete"))
    said = until(cell, "keep-gb", "Database", "False", "DATABASE_OF_ANOTHER_LICENCE")["message"]
    assert "000-012345-R-000001-001" in said  # and its own deletion drops nothing that is not its own
    cell.cluster.kubectl("delete", "casino", "keep-gb", "--wait=false")
    hands.delete_namespace()
    eventually(lambda: not cell.cluster.kubectl("get", "casino", "keep-gb", "--ignore-not-found"), 20)
    assert cell.sql("SELECT count(*) FROM pg_database WHERE datname = 'casino_keep_gb'") == [(1,)]
    go_live(cell, "keep-gb")
    assert opened(logged_in(cell, "keep-gb", "casino", "casino-keep-gb"), "casino-keep-gb", sealed) == PLAIN


def test_delete_drops_the_database_where_the_spec_says_so(cell: Cell, operator: Operator) -> None:
    hands = go_live(cell, "drop-gb", deletionPolicy="Delete")
    cell.cluster.kubectl("delete", "casino", "drop-gb", "--wait=false")
    hands.delete_namespace()
    eventually(lambda: not cell.cluster.kubectl("get", "casino", "drop-gb", "--ignore-not-found"), 20)
    assert cell.sql("SELECT count(*) FROM pg_database WHERE datname = 'casino_drop_gb'") == [(0,)]
    assert cell.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'casino_drop_gb%'") == [(0,)]
    # The operator may destroy no key: it goes when somebody decides that no backup need be read any more.
    assert cell.bao.read("transit/keys/casino-drop-gb")["data"]["deletion_allowed"] is False


def test_another_image_migrates_before_it_rolls(cell: Cell, operator: Operator, tmp_path: Path) -> None:
    hands = go_live(cell, "next-gb")
    # Tenants of other tests wait for it, as their controllers are gone.
    cell.cluster.kubectl("label", "casino", "next-gb", "domicile.dev/first=true")
    image = ["deployment/casino", "-n", "casino-next-gb", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]
    operator.stop()
    operator.start(CASINO_IMAGE="registry.test/casino:0.2.0-def5678")
    try:
        eventually(lambda: condition(cell, "next-gb", "Progressing")["status"] == "True")
        assert condition(cell, "next-gb", "Ready")["status"] == "True"  # the old pods serve on
        assert cell.cluster.kubectl("get", *image).endswith("0.1.0-abc1234")
        hands.finish_migration()
        eventually(lambda: cell.cluster.kubectl("get", *image).endswith("0.2.0-def5678"))
        assert len(cell.cluster.kubectl("get", "jobs", "-n", "casino-next-gb", "-o", "name").split()) == 1
    finally:
        cell.cluster.kubectl("label", "casino", "next-gb", "domicile.dev/first-")
        operator.stop()
        operator.start()
