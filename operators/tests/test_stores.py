"""What is written to PostgreSQL and OpenBao: statements and documents as values."""

import json
import re
from dataclasses import replace

from domicile_operator.bao_documents import documents, doors, logins
from domicile_operator.names import MODULES, Names
from domicile_operator.sql import (
    ServerFacts,
    database_statements,
    drop_statements,
    groups,
    licence_of,
    ownership,
    retire_statements,
    server_statements,
)
from operator_testkit.samples import BACKED_UP, IN_AWS, plan

NAMES = Names("acme-gb")
OWNER, LEDGER, FORMER = NAMES.owner_role, NAMES.ledger_role, NAMES.former_role
GROUPS = frozenset(groups(NAMES))
IN_PLACE = ServerFacts(
    roles=GROUPS | {LEDGER}, provisioner_member=frozenset({OWNER}), openbao_admin=GROUPS, owner_is_ledger=True,
    database=True, public_may_connect=False, may_connect=GROUPS, comment=ownership("acme-gb", "000-1"),
)  # fmt: skip
# A tenant of before each module had a role: one role for its casino, of which a pod still has a login.
BEFORE = replace(
    IN_PLACE, roles=frozenset({OWNER, FORMER}), provisioner_member=frozenset({OWNER, FORMER}),
    openbao_admin=frozenset({OWNER, FORMER}), owner_is_ledger=False, may_connect=frozenset({OWNER, FORMER}),
    other_members=((FORMER, "v-pod"),),
)  # fmt: skip


def text(statements: list) -> list[str]:  # type: ignore[type-arg]
    return [statement.as_string(None) for statement in statements]


def test_an_empty_server_gets_roles_before_the_database_they_own() -> None:
    made = text(server_statements(NAMES, "000-1", ServerFacts()))
    assert made == [
        'CREATE ROLE "casino_acme_gb_owner" NOLOGIN',
        'GRANT "casino_acme_gb_owner" TO "domicile_provisioner"',
        'GRANT "casino_acme_gb_owner" TO "openbao" WITH ADMIN OPTION',
        *(
            made_for_a_module
            for module in (*MODULES, "backup")
            for made_for_a_module in (
                f'CREATE ROLE "casino_acme_gb_{module}" NOLOGIN',
                f'GRANT "casino_acme_gb_{module}" TO "openbao" WITH ADMIN OPTION',
            )
        ),
        'CREATE ROLE "casino_acme_gb_ledger" NOLOGIN',
        'GRANT "casino_acme_gb_ledger" TO "casino_acme_gb_owner"',
        'CREATE DATABASE "casino_acme_gb" OWNER "casino_acme_gb_owner"',
        'REVOKE CONNECT, TEMPORARY ON DATABASE "casino_acme_gb" FROM PUBLIC',
        'GRANT CONNECT ON DATABASE "casino_acme_gb" TO "casino_acme_gb_owner", '
        + ", ".join(f'"casino_acme_gb_{module}"' for module in (*MODULES, "backup")),
        'COMMENT ON DATABASE "casino_acme_gb" IS \'{"licence": "000-1", "tenant": "acme-gb"}\'',
    ]


def test_what_is_in_place_is_not_written_again() -> None:
    assert server_statements(NAMES, "000-1", IN_PLACE) == []
    assert database_statements(NAMES, IN_PLACE, public_may_create=False) == []


def test_nobody_logs_in_as_the_ledger_and_openbao_cannot_make_such_a_login() -> None:
    made = text(server_statements(NAMES, "000-1", ServerFacts()))
    assert [statement for statement in made if LEDGER in statement] == [
        f'CREATE ROLE "{LEDGER}" NOLOGIN', f'GRANT "{LEDGER}" TO "{OWNER}"',
    ]  # fmt: skip
    assert not any(LEDGER in str(document.data) for document in documents(plan(), former=True))


def test_a_tenant_of_before_gets_the_new_roles_and_keeps_the_one_that_its_pods_serve_as() -> None:
    made = text(server_statements(NAMES, "000-1", BEFORE))
    assert sum(statement.startswith("CREATE ROLE") for statement in made) == len(MODULES) + 2  # the ledger, backups
    assert not any(FORMER in statement for statement in made)
    assert database_statements(NAMES, BEFORE, public_may_create=False) == []
    paths = {document.path for document in documents(plan(), former=True)}
    assert "database/roles/casino-acme-gb-app" in paths
    assert "database/creds/casino-acme-gb-app" in _policy_of(former=True)


def test_the_former_role_goes_with_its_last_login() -> None:
    empty = replace(BEFORE, other_members=())
    assert not any(FORMER in statement for statement in text(server_statements(NAMES, "000-1", empty)))
    assert text(database_statements(NAMES, empty, public_may_create=False)) == [
        f'DROP OWNED BY "{FORMER}"', f'DROP ROLE "{FORMER}"',
    ]  # fmt: skip
    assert "casino-acme-gb-app" not in str(documents(plan()))


def test_a_retained_database_is_opened_again() -> None:
    closed = replace(IN_PLACE, allows_connections=False, openbao_admin=frozenset())
    made = text(server_statements(NAMES, "000-1", closed))
    assert 'ALTER DATABASE "casino_acme_gb" WITH ALLOW_CONNECTIONS true' in made
    assert sum("WITH ADMIN OPTION" in statement for statement in made) == len(GROUPS)


def test_a_retired_database_is_closed_and_no_member_left() -> None:
    facts = replace(IN_PLACE, other_members=((NAMES.module_roles["pam"], "v-token-x"),))
    made = text(retire_statements(NAMES, facts))
    assert made[-1] == 'ALTER DATABASE "casino_acme_gb" WITH ALLOW_CONNECTIONS false'
    assert 'REVOKE "casino_acme_gb_pam" FROM "v-token-x" CASCADE' in made
    assert sum('FROM "openbao" CASCADE' in statement for statement in made) == len(GROUPS)
    assert not any("DROP" in statement for statement in made)


def test_nothing_there_is_nothing_to_retire_or_drop() -> None:
    assert retire_statements(NAMES, ServerFacts()) == []
    assert drop_statements(NAMES, ServerFacts()) == []


def test_a_dropped_database_goes_before_its_roles() -> None:
    made = text(drop_statements(NAMES, IN_PLACE))
    assert [statement.split()[1] for statement in made] == ["DATABASE", *["ROLE"] * (len(GROUPS) + 1)]


def test_a_licence_with_quotes_stays_a_value() -> None:
    made = text(server_statements(NAMES, "it's", IN_PLACE))
    assert made == ['COMMENT ON DATABASE "casino_acme_gb" IS \'{"licence": "it\'\'s", "tenant": "acme-gb"}\'']


def test_a_comment_of_somebody_else_names_no_licence() -> None:
    assert licence_of(None) is licence_of("a database") is licence_of("[1]") is None
    assert licence_of(ownership("acme-gb", "000-1")) == "000-1"


def _found(suffix: str) -> dict[str, object]:
    (only,) = [document for document in documents(plan()) if document.path.endswith(suffix)]
    return only.data


def _policy_of(*, former: bool) -> str:
    return str(next(one for one in documents(plan(), former=former) if one.path.endswith("acl/casino-acme-gb")).data)


def _rules(suffix: str) -> dict[str, list[str]]:
    policy = str(_found(suffix)["policy"])
    return {
        path: json.loads(rights)
        for path, rights in re.findall(r'path "([^"]+)" \{ capabilities = (\[.*?\]) \}', policy)
    }


def test_the_casino_reads_its_own_credentials_and_nobody_elses() -> None:
    assert _rules("acl/casino-acme-gb") == {
        "database/creds/casino-acme-gb-pam": ["read"],
        "database/creds/casino-acme-gb-wallet": ["read"],
        "database/creds/casino-acme-gb-gal": ["read"],
        "database/creds/casino-acme-gb-compliance": ["read"],
        "database/creds/casino-acme-gb-responsible-gaming": ["read"],
        "database/creds/casino-acme-gb-game-control": ["read"],
        "database/creds/casino-acme-gb-ops": ["read"],
        "database/creds/casino-acme-gb-redis": ["read"],
        "kv/data/tenants/acme-gb/*": ["read"],
        "kv/data/tenants/acme-gb/backup": ["deny"],
        "kv/data/cell/psp/sandbox": ["read"],
        "transit/encrypt/casino-acme-gb": ["update"],
        "transit/decrypt/casino-acme-gb": ["update"],
        "transit/keys/casino-acme-gb": ["read"],
        "sys/leases/renew": ["update"],
        "sys/leases/revoke": ["update"],
    }


def test_the_migration_reads_the_owners_credentials_alone() -> None:
    creds = [path for path in _rules("acl/casino-acme-gb-migrate") if not path.startswith("sys/")]
    assert creds == ["database/creds/casino-acme-gb-owner"]


def test_real_time_reads_its_own_login_of_redis_alone() -> None:
    creds = [path for path in _rules("acl/casino-acme-gb-realtime") if not path.startswith("sys/")]
    assert creds == ["database/creds/casino-acme-gb-realtime-redis"]
    assert "database/creds/casino-acme-gb-realtime-redis" not in _rules("acl/casino-acme-gb")


def test_where_aws_makes_the_users_of_the_cache_real_time_reads_where_the_tenants_password_is() -> None:
    made = {document.path: document.data for document in documents(plan(cell=IN_AWS))}
    policy = made["sys/policies/acl/casino-acme-gb-realtime"]["policy"]
    assert re.findall(r'path "(?!sys/)([^"]+)"', policy) == ["kv/data/tenants/acme-gb/redis"]
    assert not any("redis" in path for path in made)


def test_real_time_reads_streams_and_sessions_and_writes_nothing() -> None:
    (rules,) = _found("roles/casino-acme-gb-realtime-redis")["creation_statements"]  # type: ignore[misc]
    given = json.loads(rules)
    assert [rule for rule in given if "~" in rule or "&" in rule] == [
        "%R~acme-gb:realtime:*", "%R~acme-gb:session:*",
    ]  # fmt: skip
    assert [rule for rule in given if "@" in rule] == ["-@all"]


def test_a_studios_keys_are_read_by_the_tenants_that_name_it_alone() -> None:
    def readable(**spec: object) -> list[str]:
        (policy,) = (d.data["policy"] for d in documents(plan(**spec)) if d.path.endswith("acl/casino-acme-gb"))
        return re.findall(r'path "(kv/data/cell/studios/[^"]+)" { capabilities = \["read"\] }', policy)

    assert readable() == []
    assert readable(studios=[{"name": "moonlit"}]) == ["kv/data/cell/studios/moonlit"]


def test_each_role_is_bound_to_one_service_account() -> None:
    for role, account in (
        ("casino-acme-gb", "casino"),
        ("casino-acme-gb-migrate", "casino-migrate"),
        ("casino-acme-gb-realtime", "casino-realtime"),
    ):
        found = _found(f"jwt/role/{role}")
        assert found["bound_subject"] == f"system:serviceaccount:casino-acme-gb:{account}"
        assert found["bound_audiences"] == ["openbao"]
        assert found["token_policies"] == [role]


def test_what_a_migration_makes_belongs_to_the_owner() -> None:
    become = "ALTER ROLE \"{{name}}\" SET role = 'casino_acme_gb_owner';"
    assert become in _found("roles/casino-acme-gb-owner")["creation_statements"]  # type: ignore[operator]
    assert "SET role" not in str(_found("roles/casino-acme-gb-wallet")["creation_statements"])


def test_a_modules_login_is_a_member_of_its_role_and_of_nothing_else() -> None:
    for module, creds in NAMES.creds_modules.items():
        (made,) = _found(f"roles/{creds}")["creation_statements"]  # type: ignore[misc]
        assert re.findall(r'IN ROLE "(\w+)"', made) == [f"casino_acme_gb_{module}"]


def test_a_lease_outlives_no_token() -> None:
    for creds, role in (
        ("game-control", "casino-acme-gb"),
        ("owner", "casino-acme-gb-migrate"),
        ("realtime-redis", "casino-acme-gb-realtime"),
    ):
        lease, token = _found(f"roles/casino-acme-gb-{creds}"), _found(f"jwt/role/{role}")
        assert lease["default_ttl"] <= token["token_ttl"]  # type: ignore[operator]
        assert lease["max_ttl"] <= token["token_max_ttl"]  # type: ignore[operator]


def test_redis_is_confined_to_the_tenants_prefix() -> None:
    (rules,) = _found("roles/casino-acme-gb-redis")["creation_statements"]  # type: ignore[misc]
    given = json.loads(rules)
    assert given[:2] == ["~acme-gb:*", "&acme-gb:*"]
    assert not any(rule.startswith(("~", "&")) for rule in given[2:])
    assert {"-@dangerous", "-@admin", "-scan", "-select"} <= set(given)


def test_teardown_knows_every_path_that_was_written() -> None:
    written = {document.path for document in documents(plan(cell=BACKED_UP), former=True)}
    assert set(doors(NAMES)) | {f"database/roles/{login}" for login in logins(NAMES)} == written


def test_who_backs_up_reads_what_that_takes_and_nothing_of_the_casinos() -> None:
    found = {document.path: document.data for document in documents(plan(cell=BACKED_UP))}
    policy = str(found["sys/policies/acl/casino-acme-gb-backup"]["policy"])
    rules = dict(re.findall(r'path "([^"]+)" \{ capabilities = (\[.*?\]) \}', policy))
    assert {path: json.loads(rights) for path, rights in rules.items()} == {
        "database/creds/casino-acme-gb-backup": ["read"],
        "kv/data/tenants/acme-gb/backup": ["read"],
        "kv/data/cell/backups/offsite": ["read"],
        "kv/data/cell/backups/abroad": ["read"],
        "kv/data/tenants/acme-gb/backups/*": ["create", "update"],
        "sys/leases/renew": ["update"],
        "sys/leases/revoke": ["update"],
    }
    (created,) = found["database/roles/casino-acme-gb-backup"]["creation_statements"]
    assert 'IN ROLE "casino_acme_gb_backup"' in created
    role = found["auth/jwt/role/casino-acme-gb-backup"]
    assert role["bound_subject"] == "system:serviceaccount:casino-acme-gb:casino-backup"
    assert not any("backup" in path for path in (one.path for one in documents(plan()))), "a cell without a store"


def test_policies_are_written_before_the_roles_that_name_them() -> None:
    kinds = [document.kind for document in documents(plan())]
    assert kinds.index("OpenBaoJWTRole") > max(i for i, kind in enumerate(kinds) if kind == "OpenBaoPolicy")
