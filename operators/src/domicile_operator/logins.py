"""`python3 -m domicile_operator logins`: the first logins of a cell's PostgreSQL, where AWS keeps its administrator's.

A Job of the cell's stack runs it once (`deploy/aws/`); at a site the playbook's roles do the same by the same files.
As the administrator it makes the two roles of `database/roles.sql`, gives `openbao` a password that nobody has seen,
hands that to OpenBao, and has OpenBao change it. From then on only OpenBao knows it. Repeated, it changes nothing as
long as OpenBao can make a login; where it cannot (a restored database, a new OpenBao), it begins anew.
"""

import json
import logging
import os
import secrets
import time
from collections.abc import Callable
from importlib import resources
from typing import Any, Protocol

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from domicile_operator.cell import Administrator, Cell, load_cell
from domicile_operator.clients.bao import OpenBaoClient
from domicile_operator.clients.postgres import MAINTENANCE_DATABASE
from domicile_operator.errors import Fault
from domicile_operator.names import LOGINS_ROLE, OPENBAO_LOGIN, PROVISIONER_CREDENTIALS
from domicile_operator.settings import Settings, read_settings

log = logging.getLogger(__name__)

CONNECTION = "database/config/postgresql"
RETRY_S = (5.0, 60.0)
"""Seconds before the first repetition, and the most before any."""


class Bao(Protocol):
    """What is asked of OpenBao (`clients.bao.OpenBaoClient`)."""

    def ensure(self, path: str, data: dict[str, Any]) -> bool: ...
    def read(self, path: str) -> dict[str, Any] | None: ...
    def write(self, path: str, data: dict[str, Any]) -> None: ...
    def login(self, role: str) -> tuple[str, str, float]: ...
    def log_out(self) -> None: ...


def main() -> None:
    """Try until it is done: the stores, OpenBao and this pod's rights may come up later than the pod."""
    settings = read_settings({**os.environ, "CASINO_IMAGE": "none"})
    delay, most = RETRY_S
    while True:
        try:
            changed = set_up(load_cell(settings.cell_folder), settings)
        except Fault as fault:
            log.warning("%s: %s Trying again in %d s.", fault.code, fault.message, delay)
            time.sleep(delay)
            delay = min(delay * 2, most)
        else:
            log.info("OpenBao has its login in PostgreSQL%s", "" if changed else " already: nothing was changed")
            return


def set_up(cell: Cell, settings: Settings) -> bool:
    """Connect to everything and do it. True when something was changed. Raises Fault."""
    administrator = cell.postgresql.administrator
    if administrator is None:
        raise Fault(
            "NO_ADMINISTRATOR",
            "cell.yaml names no postgresql.administrator. Whoever builds this cell makes its first logins otherwise "
            "(the role postgresql of the site's playbook), and this is not needed.",
        )
    user, password = read_administrator(administrator)
    bao = OpenBaoClient(cell.openbao.address, settings.ca_file, settings.token_file, role=LOGINS_ROLE)
    where = f"PostgreSQL at {cell.postgresql.host}:{cell.postgresql.port}"
    try:
        with psycopg.connect(
            host=cell.postgresql.host,
            port=cell.postgresql.port,
            dbname=MAINTENANCE_DATABASE,
            user=user,
            password=password,
            sslmode="verify-full",
            sslrootcert=str(settings.ca_file),
            connect_timeout=5,
            application_name="domicile-logins",
            autocommit=True,
        ) as connection:
            return make_logins(connection, bao, cell)
    except psycopg.Error as error:
        raise Fault("POSTGRESQL_REFUSED", f"{where} refused: {' '.join(str(error).split())}.") from error


def make_logins(
    connection: psycopg.Connection[Any],
    bao: Bao,
    cell: Cell,
    new_password: Callable[[], str] = lambda: secrets.token_urlsafe(36),
) -> bool:
    """The roles, OpenBao's connection and its way to make the operator's logins. True when something was changed.

    `connection` is an administrator's, in autocommit. Raises Fault and psycopg.Error.
    """
    # One string without parameters is one transaction.
    connection.execute(roles_sql())
    bao.ensure(f"database/roles/{PROVISIONER_CREDENTIALS}", provisioner_document())
    try:
        wanted = connection_document(cell)
        if not _connects(bao, wanted):
            password = new_password()
            _set_password(connection, password)
            bao.write(CONNECTION, wanted | {"username": OPENBAO_LOGIN, "password": password})
            bao.write("database/rotate-root/postgresql", {})
            if not _connects(bao, wanted):
                raise Fault(
                    "OPENBAO_HAS_NO_LOGIN",
                    "OpenBao has a new password for PostgreSQL and still makes no login there. Check that it reaches "
                    f"{cell.postgresql.host}:{cell.postgresql.port}; its log says more.",
                )
            return True
        return False
    finally:
        # With the token goes the login that was made to try.
        bao.log_out()


def roles_sql() -> str:
    """The statements that make the two roles."""
    return _file("roles.sql")


def provisioner_document() -> dict[str, Any]:
    """OpenBao's database role by which the operator gets its logins."""
    found: dict[str, Any] = json.loads(_file("provisioner.json"))
    return found


def connection_document(cell: Cell) -> dict[str, Any]:
    """OpenBao's connection to the cell's PostgreSQL, without its login.

    Its plugin takes no CA: OpenBao's machine must trust the database's. With SCRAM for passwords OpenBao sends their
    hash, so that the server's log of DDL has none.
    """
    server = f"{cell.postgresql.host}:{cell.postgresql.port}"
    return {
        "plugin_name": "postgresql-database-plugin",
        "allowed_roles": ["*"],
        "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@{server}/postgres?sslmode=verify-full",
        "password_authentication": "scram-sha-256",
    }


def read_administrator(secret: Administrator) -> tuple[str, str]:
    """User and password from AWS Secrets Manager, where RDS keeps them. Raises Fault."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.session.Session().client("secretsmanager", region_name=secret.region)
        found = json.loads(client.get_secret_value(SecretId=secret.secret)["SecretString"])
    except (BotoCoreError, ClientError) as error:
        told = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise Fault(
            "ADMINISTRATOR_UNREADABLE",
            f"The secret {secret.secret} cannot be read: {told}. Check that the cell has an endpoint of Secrets "
            "Manager, and this pod's service account its role (EKS Pod Identity).",
        ) from error
    return found["username"], found["password"]


def _connects(bao: Bao, wanted: dict[str, Any]) -> bool:
    """Whether OpenBao has this connection and can make a login by it."""
    found = bao.read(CONNECTION)
    if found is None or found["connection_details"].get("connection_url") != wanted["connection_url"]:
        return False
    try:
        # Connections that are open would go on with a password that no longer counts.
        bao.write("database/reset/postgresql", {})
        bao.login(PROVISIONER_CREDENTIALS)
    except Fault as fault:
        if fault.code == "OPENBAO_REFUSED":
            return False
        raise
    return True


def _set_password(connection: psycopg.Connection[Any], password: str) -> None:
    """Hashed here: the server logs statements that change roles, and must not be told the password itself."""
    hashed = connection.pgconn.encrypt_password(password.encode(), OPENBAO_LOGIN.encode(), b"scram-sha-256")
    statement = SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(OPENBAO_LOGIN), Literal(hashed.decode()))
    connection.execute(statement)


def _file(name: str) -> str:
    return (resources.files("domicile_operator.database") / name).read_text()
