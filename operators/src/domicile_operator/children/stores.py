"""What a tenant has outside the cluster: its database, and its doors in OpenBao."""

from collections.abc import Sequence

from domicile_operator.bao_documents import (
    CERTIFICATE_ROLE,
    Document,
    certificate_role_path,
    documents,
    doors,
    former_login,
    logins,
    transit_key,
    transit_key_flaws,
    transit_key_settings,
)
from domicile_operator.children.base import Child, Ending, Observation, Reference
from domicile_operator.conditions import DATABASE, SECRETS
from domicile_operator.errors import Fault
from domicile_operator.names import Names
from domicile_operator.plan import Plan
from domicile_operator.sql import groups
from domicile_operator.world import World


class Secrets(Child):
    """OpenBao policies and roles, by which its certificate is signed too, and the key that players' data is under."""

    condition = SECRETS
    in_stores = True

    def desired(self, plan: Plan) -> Sequence[Document]:
        return [*documents(plan), transit_key(plan.names)]

    def apply(self, plan: Plan, world: World) -> Sequence[Document]:
        # A tenant of before has it until `Database` finds that nobody serves by it any more; a new one never has it.
        former = world.bao.read(former_login(plan.names)) is not None
        wanted = documents(plan, former=former)
        for document in wanted:
            world.bao.ensure(document.path, document.data)
        if plan.cell.certificates is not None and not any(one.kind == CERTIFICATE_ROLE for one in wanted):
            _remove_certificate_role(plan.names, world)
        key = transit_key(plan.names)
        _keep_key(key, world)
        return [*wanted, key]

    def observe(self, plan: Plan, applied: Sequence[Document]) -> Observation:
        return Observation(tuple(Reference(document.kind, document.name) for document in applied))

    def cleanup(self, ending: Ending, world: World) -> str:
        names = ending.names
        # Doors first, so that no new login appears while the old ones are revoked. The database roles go
        # last: their revocation statements are what ends those logins.
        for path in doors(names):
            world.bao.remove(path)
        try:
            _remove_certificate_role(names, world)
        except Fault as fault:
            # An OpenBao that was set up before there were such roles: who may not read one never made one.
            if fault.code != "OPENBAO_FORBIDDEN":
                raise
        for login in logins(names):
            # Where the policy forbids it the leases end by their TTL; the database below is closed at once.
            world.bao.revoke_leases(f"database/creds/{login}")
            world.bao.remove(f"database/roles/{login}")
        # The key stays, and the policies that opened it are gone: without it nobody could ever read what is retained.
        return ""


def _keep_key(key: Document, world: World) -> None:
    """Make the key where it is missing, keep it from being deleted, and tell of what cannot be mended."""
    found = world.bao.read(key.path)
    if found is None:
        world.bao.write(key.path, key.data)
        found = world.bao.read(key.path) or {}
    settings = transit_key_settings(found)
    if settings:
        world.bao.write(f"{key.path}/config", settings)
    flaws = transit_key_flaws(found)
    if flaws:
        raise Fault(
            "TRANSIT_KEY_UNFIT",
            f"OpenBao's {key.path} is not the key that the operator makes: {', '.join(flaws)}. No setting takes that "
            "back. Undo a soft deletion, or restore the key from a snapshot of OpenBao; only where nothing is sealed "
            "under it yet, delete it: then it is made anew.",
        )


def _remove_certificate_role(names: Names, world: World) -> None:
    path = certificate_role_path(names)
    if world.bao.read(path) is not None:
        world.bao.remove(path)


class Database(Child):
    """The PostgreSQL database and its roles."""

    condition = DATABASE
    in_stores = True

    def desired(self, plan: Plan) -> Sequence[Reference]:
        names = plan.names
        return [
            Reference("PostgreSQLDatabase", names.database),
            *(Reference("PostgreSQLRole", role) for role in (*groups(names), names.ledger_role)),
        ]

    def apply(self, plan: Plan, world: World) -> Sequence[Reference]:
        names = plan.names
        world.databases.ensure(names, plan.spec.licence.number)
        if world.bao.read(former_login(names)) is not None and not world.databases.serves_as_former(names):
            # The policy loses its line in the next pass.
            world.bao.remove(former_login(names))
        return self.desired(plan)

    def observe(self, plan: Plan, applied: Sequence[Reference]) -> Observation:
        return Observation(tuple(applied))

    def cleanup(self, ending: Ending, world: World) -> str:
        # Records outlive a tenant by law in most jurisdictions: only an explicit Delete drops them.
        if ending.drop_records:
            world.databases.drop(ending.names, ending.licence)
        else:
            world.databases.retire(ending.names, ending.licence)
        return ""
