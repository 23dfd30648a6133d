"""A casino's pod reaches its own stores and nothing else. Every refusal stands beside a control that succeeds."""

from __future__ import annotations

import json

from domicile_lab.identity import DOMAIN

from tests.end_to_end import lab

CONNECT = """
import json, socket, sys
def reach(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
        return "reached"
    except OSError as error:
        return type(error).__name__
print(json.dumps({f"{h}:{p}": reach(h, p) for h, p in json.loads('%s')}))
"""

CREDENTIALS = """
import hvac, os, json
client = hvac.Client(url=os.environ["BAO_ADDR"], verify=os.environ["CASINO_CA_FILE"])
token = open(os.environ["BAO_TOKEN_FILE"]).read().strip()
client.token = client.auth.jwt.jwt_login(role=os.environ["BAO_ROLE"], jwt=token, path="jwt")["auth"]["client_token"]
def read(path):
    try:
        return client.read(path)["data"]
    except Exception as error:
        return type(error).__name__
"""


def reached(tenant: str, targets: list[tuple[str, int]]) -> dict[str, str]:
    found: dict[str, str] = json.loads(lab.in_pod(tenant, CONNECT % json.dumps(targets)))
    return found


def pod_address(namespace: str, selector: str) -> str:
    return lab.kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "jsonpath={.items[0].status.podIP}")


def test_a_pod_reaches_its_stores_and_its_payment_provider() -> None:
    targets = [(f"data1.{DOMAIN}", p) for p in (5432, 6379, 8200)] + [(f"psp.{DOMAIN}", 8443)]
    assert set(reached("acme-gb", targets).values()) == {"reached"}


def test_a_pod_does_not_reach_another_tenant() -> None:
    other = pod_address("casino-acme-br", "app.kubernetes.io/component=api")
    service = lab.get("service", "casino", "casino-acme-br")
    assert service
    # The control: the node itself reaches both, so they are there to be reached.
    for address, port in ((other, 8080), (service["spec"]["clusterIP"], 80)):
        lab.on_machine("node1", "timeout", "3", "bash", "-c", f"'echo > /dev/tcp/{address}/{port}'")
    found = reached("acme-gb", [(other, 8080), (service["spec"]["clusterIP"], 80)])
    assert "reached" not in found.values(), found


def test_a_pod_does_not_reach_the_outside() -> None:
    outside = lab.IDENTITY.address(lab.machine("psp1")), 22
    registry = lab.IDENTITY.address(lab.machine("registry1")), 5000
    for address, port in (outside, registry):
        lab.on_machine("node1", "timeout", "3", "bash", "-c", f"'echo > /dev/tcp/{address}/{port}'")
    found = reached("acme-gb", [outside, registry, (lab.IDENTITY.gateway, 22), ("192.0.2.1", 443)])
    assert "reached" not in found.values(), found


def test_a_pod_does_not_reach_its_node() -> None:
    node = lab.IDENTITY.address(lab.machine("node1"))
    targets = [(node, 22), (node, 10250), ("10.244.0.1", 22)]
    for address, port in targets[:2]:
        lab.on_machine("data1", "timeout", "3", "bash", "-c", f"'echo > /dev/tcp/{address}/{port}'")
    found = reached("acme-gb", targets)
    assert "reached" not in found.values(), found


def test_a_pod_has_no_token_for_the_clusters_api_and_is_refused_without() -> None:
    program = """
import json, os, ssl, urllib.error, urllib.request
context = ssl._create_unverified_context()
try:
    answer = urllib.request.urlopen("https://kubernetes.default/api", context=context, timeout=5).status
except urllib.error.HTTPError as error:
    answer = error.code
except OSError as error:
    answer = str(error)
token = os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token")
print(json.dumps({"answer": answer, "token": token}))
"""
    assert json.loads(lab.in_pod("acme-gb", program)) == {"answer": 401, "token": False}


def test_a_tenants_login_is_refused_by_another_tenants_database() -> None:
    program = (
        CREDENTIALS
        + """
import asyncio, asyncpg, ssl
login = read("database/creds/" + json.loads(os.environ["BAO_DATABASE_ROLES"])["wallet"])
async def attempt(database):
    try:
        connection = await asyncpg.connect(host=os.environ["CASINO_DATABASE_HOST"], port=5432, database=database,
            user=login["username"], password=login["password"],
            ssl=ssl.create_default_context(cafile=os.environ["CASINO_CA_FILE"]))
    except Exception as error:
        return type(error).__name__
    await connection.close()
    return "connected"
async def main():
    names = [os.environ["CASINO_DATABASE_NAME"], "casino_acme_br", "template1"]
    print(json.dumps({n: await attempt(n) for n in names}))
asyncio.run(main())
"""
    )
    found = json.loads(lab.in_pod("acme-gb", program))
    assert found == {
        "casino_acme_gb": "connected",
        "casino_acme_br": "InsufficientPrivilegeError",
        "template1": "InsufficientPrivilegeError",
    }


def test_a_modules_login_is_refused_another_modules_schema() -> None:
    program = (
        CREDENTIALS
        + """
import asyncio, asyncpg, ssl
async def attempts(module):
    login = read("database/creds/" + json.loads(os.environ["BAO_DATABASE_ROLES"])[module])
    connection = await asyncpg.connect(host=os.environ["CASINO_DATABASE_HOST"], port=5432,
        database=os.environ["CASINO_DATABASE_NAME"], user=login["username"], password=login["password"],
        ssl=ssl.create_default_context(cafile=os.environ["CASINO_CA_FILE"]))
    found = {}
    for what, statement in {
        "pam": "SELECT count(*) FROM pam.players", "wallet": "SELECT count(*) FROM wallet.accounts",
        "owner": "SET ROLE casino_acme_gb_owner", "ledger": "SET ROLE casino_acme_gb_ledger",
        "journal": "INSERT INTO wallet.postings SELECT * FROM wallet.postings",
    }.items():
        try:
            await connection.execute(statement)
            found[what] = "done"
        except Exception as error:
            found[what] = type(error).__name__
    await connection.close()
    return found
async def main():
    print(json.dumps({module: await attempts(module) for module in ("pam", "wallet", "ops")}))
asyncio.run(main())
"""
    )
    found = json.loads(lab.in_pod("acme-gb", program))
    assert found["pam"].pop("pam") == found["wallet"].pop("wallet") == "done"
    refused = {outcome for outcomes in found.values() for outcome in outcomes.values()}
    assert refused == {"InsufficientPrivilegeError"}, found


def test_a_tenants_login_is_refused_another_tenants_redis_keys() -> None:
    program = (
        CREDENTIALS
        + """
import redis
login = read("database/creds/" + os.environ["BAO_REDIS_ROLE"])
client = redis.Redis(host=os.environ["CASINO_REDIS_HOST"], port=6379, ssl=True,
    ssl_ca_certs=os.environ["CASINO_CA_FILE"], username=login["username"], password=login["password"])
def attempt(*command):
    try:
        client.execute_command(*command)
        return "done"
    except redis.exceptions.RedisError as error:
        return type(error).__name__
print(json.dumps({
    "own": attempt("SET", os.environ["CASINO_REDIS_PREFIX"] + "e2e", "1", "EX", "5"),
    "read": attempt("GET", "acme-br:e2e"),
    "write": attempt("SET", "acme-br:e2e", "1"),
    "flush": attempt("FLUSHALL"),
    "logins": attempt("ACL", "LIST"),
    "settings": attempt("CONFIG", "GET", "*"),
}))
"""
    )
    found = json.loads(lab.in_pod("acme-gb", program))
    assert found.pop("own") == "done"
    assert set(found.values()) == {"NoPermissionError"}, found


def test_a_tenants_token_is_refused_another_tenants_secrets() -> None:
    program = (
        CREDENTIALS
        + """
def outcome(path):
    found = read(path)
    return found if isinstance(found, str) else "read"
print(json.dumps({
    "own": outcome("database/creds/" + json.loads(os.environ["BAO_DATABASE_ROLES"])["wallet"]),
    "database": outcome("database/creds/casino-acme-br-wallet"),
    "owner": outcome("database/creds/casino-acme-gb-owner"),
    "provisioner": outcome("database/creds/domicile-provisioner"),
    "redis": outcome("database/creds/casino-acme-br-redis"),
    "secrets": outcome("kv/data/tenants/acme-br/anything"),
    "policies": outcome("sys/policies/acl/casino-acme-br"),
    "key": outcome("transit/keys/casino-acme-br"),
    "own key, taken out": outcome("transit/export/encryption-key/casino-acme-gb"),
}))
"""
    )
    found = json.loads(lab.in_pod("acme-gb", program))
    assert found.pop("own") == "read"
    assert set(found.values()) == {"Forbidden"}, found


def test_a_tenants_token_cannot_log_in_as_another_tenant() -> None:
    program = (
        CREDENTIALS
        + """
try:
    client.auth.jwt.jwt_login(role="casino-acme-br", jwt=token, path="jwt")
    print("logged in")
except Exception as error:
    print(type(error).__name__)
"""
    )
    assert lab.in_pod("acme-gb", program) in ("InvalidRequest", "Forbidden")


def test_the_casinos_container_has_no_shell_and_cannot_write_its_image() -> None:
    program = """
import json, os, pathlib
def write(path):
    try:
        pathlib.Path(path).write_text("x")
        return "written"
    except OSError as error:
        return error.strerror
shells = [p for p in ("/bin/sh", "/bin/bash", "/usr/bin/apt-get", "/usr/bin/dpkg") if os.path.exists(p)]
print(json.dumps({"uid": os.getuid(), "shells": shells, "root": write("/opt/domicile/x"), "tmp": write("/tmp/x")}))
"""
    found = json.loads(lab.in_pod("acme-gb", program))
    assert found == {"uid": 10001, "shells": [], "root": "Read-only file system", "tmp": "written"}
