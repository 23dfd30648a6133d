"""A database of Amazon's gets its first logins: real PostgreSQL, real OpenBao, set up by the playbook that docs name.

The administrator has what Aurora's has: CREATEROLE and CREATEDB, a role that holds pg_signal_backend, no SUPERUSER.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import hvac
import psycopg
import pytest
import yaml
from domicile_operator.bao_documents import documents, transit_key, transit_key_flaws, transit_key_settings
from domicile_operator.cell import Cell
from domicile_operator.clients.bao import OpenBaoClient
from domicile_operator.clients.postgres import PostgresClient
from domicile_operator.logins import make_logins, provisioner_document, roles_sql
from domicile_operator.names import LOGINS_ROLE, Names
from moto.server import ThreadedMotoServer
from operator_testkit.bao import Vault
from operator_testkit.samples import CELL, plan
from operator_testkit.servers import Postgres, stopped_afterwards
from operator_testkit.tls import Authority

ROOT = Path(__file__).parents[3]
ADMINISTRATOR = """
    CREATE ROLE rds_superuser NOLOGIN;
    GRANT pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
    CREATE ROLE domicile_admin LOGIN CREATEROLE CREATEDB PASSWORD 'admin' IN ROLE rds_superuser;
    ALTER DATABASE template1 OWNER TO domicile_admin;
    ALTER SYSTEM SET log_statement = 'ddl';
"""


@dataclass
class World:
    folder: Path
    authority: Authority
    postgres: Postgres
    vault: Vault
    cell: Cell

    def superuser(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.postgres.dsn(), autocommit=True)

    def administrator(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.postgres.dsn(user="domicile_admin", password="admin"), autocommit=True)

    def bao(self, account: str, role: str) -> OpenBaoClient:
        return OpenBaoClient(self.vault.address, self.authority.certificate, self.vault.token(account), role=role)

    def make_logins(self, password: str | None = None) -> bool:
        given = {"new_password": lambda: password} if password else {}
        with self.administrator() as connection:
            return make_logins(connection, self.bao("domicile-logins", LOGINS_ROLE), self.cell, **given)

    def playbook(self) -> str:
        """The documented command; gives what it said."""
        document = {"jwt_validation_pubkeys": [self.vault.public_key], "bound_issuer": "https://issuer.test"}
        given = {
            "address": self.vault.address,
            "ca_file": str(self.authority.certificate),
            "issuer_document": document,
            "cell_payment_providers": [{"name": "sandbox", "merchant_id": "m-1", "secret": "s-1"}],
            "cell_studios": [
                {
                    "name": "starbright",
                    "title": "S",
                    "dialect": "rsa_status",
                    "cidr": "10.1.2.5/32",
                    "port": 443,
                    "api_url": "https://api.s.test",
                    "launch_url": "https://play.s.test",
                    "credentials": {"operator": "o-1", "operator_private_key": "-----BEGIN\nkey"},
                },
            ],
            "cell_exclusion_registers": [
                {
                    "name": "gamstop",
                    "register": "GAMSTOP",
                    "url": "https://registers.test",
                    "cidr": "10.1.2.7/32",
                    "port": 443,
                    "key": "k-1",
                },
            ],
        }
        settings = {
            "BAO_TOKEN": self.vault.root.token,
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "remote"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        }
        command = [sys.executable, "-m", "ansible", "playbook", "playbooks/openbao.yml", "-i", "localhost,"]
        done = subprocess.run(
            [*command, "-e", json.dumps(given)],
            env=os.environ | settings, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with stopped_afterwards():
        yield made_world(tmp_path_factory.mktemp("logins"))


def made_world(folder: Path) -> World:
    authority = Authority(folder)
    postgres, vault = Postgres(authority), Vault(folder, authority)
    there = CELL.model_copy(
        update={
            "postgresql": CELL.postgresql.model_copy(update={"host": "localhost", "port": postgres.front.port}),
            "openbao": CELL.openbao.model_copy(update={"address": vault.address}),
            "ca_pem": authority.certificate.read_text(),
        }
    )
    made = World(folder, authority, postgres, vault, there)
    with made.superuser() as connection:
        for statement in filter(None, map(str.strip, ADMINISTRATOR.split(";"))):
            connection.execute(statement)
        connection.execute("SELECT pg_reload_conf()")
    made.playbook()
    return made


def test_the_documented_playbook_changes_nothing_the_second_time(world: World) -> None:
    assert "changed=0" in world.playbook()


def test_the_administrator_makes_the_logins_once(world: World) -> None:
    assert world.make_logins() is True
    assert world.make_logins() is False
    stored = world.vault.root.read("database/roles/domicile-provisioner")["data"]
    assert {key: stored[key] for key in provisioner_document()} == provisioner_document()


def test_the_job_finds_everything_by_what_its_pod_is_given(world: World) -> None:
    aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    aws.start()
    host, port = aws.get_host_and_port()
    keys = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    try:
        client = boto3.client(
            "secretsmanager", region_name="eu-west-2", endpoint_url=keys["AWS_ENDPOINT_URL"],
            aws_access_key_id="x", aws_secret_access_key="x",
        )  # fmt: skip
        secret = client.create_secret(
            Name="rds!cluster-1", SecretString=json.dumps({"username": "domicile_admin", "password": "admin"})
        )
        administrator = {"secret": secret["ARN"], "region": "eu-west-2"}
        content = world.cell.model_dump(mode="json", by_alias=True, exclude={"ca_pem"}, exclude_none=True)
        content["postgresql"]["administrator"] = administrator
        folder = world.folder / "mounted"
        folder.mkdir()
        (folder / "cell.yaml").write_text(yaml.safe_dump(content))
        (folder / "ca.crt").write_text(world.cell.ca_pem)
        given = {"DOMICILE_CELL_FOLDER": str(folder), "BAO_TOKEN_FILE": str(world.vault.token("domicile-logins"))}
        done = subprocess.run(
            [sys.executable, "-m", "domicile_operator", "logins"],
            env=os.environ | keys | given, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        aws.stop()
    assert done.returncode == 0 and "OpenBao has its login in PostgreSQL" in done.stderr, done.stderr
    assert "admin" not in done.stderr.replace("domicile_admin", "")


def test_the_roles_may_what_the_platform_needs_and_no_more(world: World) -> None:
    world.make_logins()
    with world.superuser() as connection:
        found = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles "
            "WHERE rolname IN ('openbao', 'domicile_provisioner') ORDER BY 1"
        ).fetchall()
        assert found == [("domicile_provisioner", False, True, True, False), ("openbao", False, True, False, True)]
        open_to_all = connection.execute("SELECT has_database_privilege('openbao', 'template1', 'CONNECT')").fetchone()
        assert open_to_all == (False,)


def test_nobody_has_seen_the_password_and_the_servers_log_neither(world: World) -> None:
    with world.superuser() as connection:
        connection.execute("ALTER ROLE openbao PASSWORD 'lost'")  # so that it is made anew
    assert world.make_logins("seen-by-this-test-only") is True
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(world.postgres.dsn(user="openbao", password="seen-by-this-test-only"))
    log = (Path(world.postgres._folder) / "postgresql.log").read_text()
    assert 'ALTER ROLE "openbao" PASSWORD \'SCRAM-SHA-256$' in log
    assert "seen-by-this-test-only" not in log


def test_a_tenant_gets_its_database_and_its_casino_a_login(world: World) -> None:
    world.make_logins()
    bao = world.bao("domicile-operator", "domicile-operator")
    databases = PostgresClient("localhost", world.postgres.front.port, world.authority.certificate, bao)
    names = Names("acme-gb")
    assert databases.ensure(names, "000-1") is True
    assert databases.ensure(names, "000-1") is False
    for document in documents(plan()):
        bao.ensure(document.path, document.data)
    casino = _logged_in(world, "casino", "casino-acme-gb", "casino-acme-gb")
    lease = casino.read("database/creds/casino-acme-gb-wallet")
    dsn = world.postgres.dsn("casino_acme_gb", lease["data"]["username"], lease["data"]["password"])
    with psycopg.connect(dsn) as session:
        assert session.execute("SELECT pg_has_role('casino_acme_gb_wallet', 'MEMBER')").fetchone() == (True,)
        bao.revoke_leases("database/creds/casino-acme-gb-wallet")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    with pytest.raises(hvac.exceptions.Forbidden):
        casino.read("kv/data/tenants/other-gb/redis")
    databases.drop(names, "000-1")


def test_a_tenant_reads_the_keys_of_studios_that_it_names_and_its_real_time_none_at_all(world: World) -> None:
    bao = world.bao("domicile-operator", "domicile-operator")
    for document in documents(plan(studios=[{"name": "starbright"}])):
        bao.ensure(document.path, document.data)
    casino = _logged_in(world, "casino", "casino-acme-gb", "casino-acme-gb")
    found = casino.read("kv/data/cell/studios/starbright")["data"]["data"]
    assert found == {"operator": "o-1", "operator_private_key": "-----BEGIN\nkey"}
    realtime = _logged_in(world, "casino-realtime", "casino-acme-gb-realtime", "casino-acme-gb")
    for client, path in (
        (casino, "kv/data/cell/studios/moonlit"), (casino, "database/creds/casino-acme-gb-realtime-redis"),
        (realtime, "kv/data/cell/studios/starbright"), (realtime, "kv/data/cell/psp/sandbox"),
        (realtime, "database/creds/casino-acme-gb-wallet"), (realtime, "database/creds/casino-acme-gb-redis"),
        (realtime, "transit/keys/casino-acme-gb"),
    ):  # fmt: skip
        with pytest.raises(hvac.exceptions.Forbidden):
            client.read(path)


def test_a_tenant_reads_the_key_to_the_register_of_its_law_and_its_real_time_does_not(world: World) -> None:
    bao = world.bao("domicile-operator", "domicile-operator")
    asked = {"exclusion_register": "GAMSTOP", "exclusion_register_moments": ["registration", "login"]}
    for document in documents(plan(rules=json.dumps(asked))):
        bao.ensure(document.path, document.data)
    casino = _logged_in(world, "casino", "casino-acme-gb", "casino-acme-gb")
    realtime = _logged_in(world, "casino-realtime", "casino-acme-gb-realtime", "casino-acme-gb")
    assert casino.read("kv/data/cell/registers/gamstop")["data"]["data"] == {"key": "k-1"}
    for client, path in ((casino, "kv/data/cell/registers/oasis"), (realtime, "kv/data/cell/registers/gamstop")):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.read(path)


def test_who_makes_the_first_logins_may_do_nothing_else(world: World) -> None:
    client = _logged_in(world, "domicile-logins", "domicile-logins", "domicile-system")
    for path in ("kv/data/tenants/acme-gb/redis", "kv/data/cell/psp/sandbox", "sys/policies/acl/casino-acme-gb"):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.read(path)


def test_the_operator_keeps_the_caches_passwords_and_reads_no_other_secret(world: World) -> None:
    bao = world.bao("domicile-operator", "domicile-operator")
    bao.write("kv/data/tenants/acme-gb/redis", {"data": {"username": "u", "password": "p"}})
    assert (bao.read("kv/data/tenants/acme-gb/redis") or {})["data"]["password"] == "p"
    bao.remove("kv/metadata/tenants/acme-gb/redis")
    assert bao.read("kv/data/tenants/acme-gb/redis") is None
    client = _logged_in(world, "domicile-operator", "domicile-operator", "domicile-system")
    for path in ("kv/data/tenants/acme-gb/other", "kv/data/cell/psp/sandbox"):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.read(path)


def test_the_operator_makes_a_tenants_key_and_can_neither_take_it_out_nor_lose_it(world: World) -> None:
    bao, key = world.bao("domicile-operator", "domicile-operator"), transit_key(Names("acme-gb"))
    bao.write(key.path, key.data)
    bao.write(f"{key.path}/config", {"deletion_allowed": False})
    found = bao.read(key.path) or {}
    assert transit_key_flaws(found) == [] and transit_key_settings(found) == {}
    bao.write(key.path, key.data)  # made already: its versions stay as they are
    assert (bao.read(key.path) or {})["keys"] == found["keys"]

    client = _logged_in(world, "domicile-operator", "domicile-operator", "domicile-system")
    for path in ("transit/export/encryption-key/casino-acme-gb", "transit/backup/casino-acme-gb", "transit/keys/other"):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.read(path)
    for path, data in (
        ("transit/encrypt/casino-acme-gb", {"plaintext": "MDEwMjAz"}),
        ("transit/keys/casino-other-gb", key.data | {"exportable": True}),
        ("transit/keys/casino-other-gb/import", {"ciphertext": "x", "type": "aes256-gcm96"}),
        ("transit/keys/casino-acme-gb/config", {"deletion_allowed": True}),
        ("transit/keys/casino-acme-gb/config", {"exportable": True}),
        ("transit/keys/casino-acme-gb/config", {"allow_plaintext_backup": True}),
        ("transit/keys/casino-acme-gb/config", {"min_decryption_version": 2}),
        ("transit/keys/casino-acme-gb/trim", {"min_available_version": 1}),
    ):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.write_data(path, data=data)
    for path in (key.path, f"{key.path}/soft-delete"):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.delete(path)


def test_a_key_that_was_made_exportable_stays_so_and_is_told_of(world: World) -> None:
    key = transit_key(Names("open-gb"))
    world.vault.root.write_data(key.path, data=key.data)
    for exportable in (True, False):
        world.vault.root.write_data(f"{key.path}/config", data={"exportable": exportable})
    found = world.vault.root.read(key.path)["data"]
    assert transit_key_flaws(found) == ["exportable is True"]


def test_a_soft_deleted_key_is_told_of(world: World) -> None:
    key = transit_key(Names("soft-gb"))
    world.vault.root.write_data(key.path, data=key.data)
    world.vault.root.write_data(f"{key.path}/config", data={"deletion_allowed": True})
    world.vault.root.delete(f"{key.path}/soft-delete")
    bao = world.bao("domicile-operator", "domicile-operator")
    found = bao.read(key.path) or {}
    assert transit_key_flaws(found) == ["it is soft-deleted"]


def _logged_in(world: World, account: str, role: str, namespace: str) -> hvac.Client:
    client = hvac.Client(world.vault.address, verify=str(world.authority.certificate))
    client.auth.jwt.jwt_login(role=role, jwt=world.vault.token(account, namespace).read_text())
    return client


def test_an_administrator_who_may_hand_on_less_makes_the_roles_all_the_same(tmp_path: Path) -> None:
    postgres = Postgres(Authority(tmp_path))
    with psycopg.connect(postgres.dsn(), autocommit=True) as superuser:
        superuser.execute("CREATE ROLE plain LOGIN CREATEROLE CREATEDB PASSWORD 'plain'")
    with psycopg.connect(postgres.dsn(user="plain", password="plain"), autocommit=True) as plain:
        for _ in range(2):
            plain.execute(roles_sql())
        handed_on, signals = plain.execute(
            "SELECT pg_has_role('openbao', 'domicile_provisioner', 'MEMBER WITH ADMIN OPTION'), "
            "pg_has_role('openbao', 'pg_signal_backend', 'MEMBER')"
        ).fetchone() or (None, None)
        version = plain.info.server_version
    postgres.stop()
    # Before 16 whoever may create roles may hand on any but a superuser's.
    assert handed_on is True and signals is (version < 160000)


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {{secrets_dir: "{folder}/secrets"}}
  vars_files: ["{role}/defaults/main.yml"]
  tasks:
    - ansible.builtin.copy:
        content: "{{{{ lookup('ansible.builtin.template', '{role}/templates/logins.sql.j2') }}}}"
        dest: "{folder}/logins.sql"
        mode: "0600"
"""


def test_a_sites_playbook_makes_the_same_roles_and_says_once_that_it_did(tmp_path: Path) -> None:
    playbooks = ROOT / "playbooks"
    (tmp_path / "play.yml").write_text(PLAY.format(folder=tmp_path, role=playbooks / "roles" / "postgresql"))
    settings = {"ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"), "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote")}
    settings["ANSIBLE_PYTHON_INTERPRETER"] = sys.executable
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,"]
    given = ["-e", f"postgresql_roles_file={playbooks}/../operators/src/domicile_operator/database/roles.sql"]
    done = subprocess.run(
        [*command, *given, str(tmp_path / "play.yml")],
        env=os.environ | settings, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    postgres = Postgres(Authority(tmp_path))
    said = []
    with psycopg.connect(postgres.dsn(), autocommit=True) as superuser:
        for _ in range(2):
            cursor = superuser.execute((tmp_path / "logins.sql").read_text())
            more: bool | None = True
            while more:
                said += cursor.fetchall() if cursor.description else []
                more = cursor.nextset()
    assert said == [("changed",)]
    password = (tmp_path / "secrets" / "postgresql-openbao").read_text().strip()
    with psycopg.connect(postgres.dsn(user="openbao", password=password)) as openbao:
        assert openbao.execute("SELECT pg_has_role('domicile_provisioner', 'MEMBER')").fetchone() == (True,)
    postgres.stop()
