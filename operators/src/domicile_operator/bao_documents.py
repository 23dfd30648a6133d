"""What OpenBao holds for a tenant: pure functions from a plan to paths and documents.

Redis: `+@all -@dangerous` alone still lets a login list every key of the instance (SCAN and its kin ignore
key patterns) and wipe scripts that others loaded, so those are taken away by name.
"""

import json
from dataclasses import dataclass
from typing import Any

from domicile_operator.names import APP as CASINO_ACCOUNT
from domicile_operator.names import AUDIENCE, BACKUP_ACCOUNT, MIGRATE_ACCOUNT, REALTIME, Names
from domicile_operator.plan import Plan

HOUR = 3600
BACKUP_SECONDS = 6 * HOUR
"""How long one backup may take: its login of OpenBao, that of the database, and its Job end by then."""
TRANSIT_KEY = {"type": "aes256-gcm96", "derived": False, "exportable": False, "allow_plaintext_backup": False}
"""What OpenBao settles when it makes a key. None of it can be taken back later."""
REDIS_COMMANDS = (
    "+@all",
    "-@dangerous",
    "-@admin",
    "-scan",
    "-randomkey",
    "-dbsize",
    "-select",
    "-function",
    "-script",
    "+script|load",
    "+script|exists",
    "-pubsub",
)
REALTIME_COMMANDS = ("+get", "+hmget", "+pttl", "+xread", "+xrange", "+xrevrange", "+ping")
"""What real time asks of Redis (casino/realtime/streams.py, casino/pam/session_reader.py). All of it reads."""


@dataclass(frozen=True)
class Document:
    """One thing written to OpenBao. `kind` names it in the tenant's status."""

    kind: str
    path: str
    data: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def documents(plan: Plan, *, former: bool = False) -> list[Document]:
    """Policies first: a role must never name a policy that is not there yet.

    `former`: a casino of before each module had a login still serves, and needs its own until it is replaced.
    """
    names, certificate = plan.names, certificate_role(plan)
    return [
        _policy(names.bao_role, _casino_policy(plan, former)),
        _policy(names.bao_migrate_role, _rule(f"database/creds/{names.creds_owner}", "read") + _own_leases()),
        _policy(names.bao_realtime_role, _rule(_realtime_login(plan), "read") + _own_leases()),
        *([_policy(names.bao_backup_role, _backup_policy(plan))] if plan.cell.backups else []),
        *(
            Document("OpenBaoDatabaseRole", f"database/roles/{creds}", _login(names.module_roles[module]))
            for module, creds in names.creds_modules.items()
        ),
        *([Document("OpenBaoDatabaseRole", former_login(names), _login(names.former_role))] if former else []),
        Document("OpenBaoDatabaseRole", f"database/roles/{names.creds_owner}", _owner_login(names)),
        *_backup_login(plan),
        *_redis(plan),
        _jwt_role(names, names.bao_role, CASINO_ACCOUNT, ttl=HOUR, max_ttl=24 * HOUR),
        _jwt_role(names, names.bao_migrate_role, MIGRATE_ACCOUNT, ttl=HOUR // 2, max_ttl=HOUR),
        _jwt_role(names, names.bao_realtime_role, REALTIME, ttl=HOUR, max_ttl=24 * HOUR),
        *(
            [_jwt_role(names, names.bao_backup_role, BACKUP_ACCOUNT, ttl=BACKUP_SECONDS, max_ttl=BACKUP_SECONDS)]
            if plan.cell.backups
            else []
        ),
        *([certificate] if certificate else []),
    ]


def transit_key(names: Names) -> Document:
    """The tenant's key. It is made once and never written again: records are sealed under it."""
    return Document("OpenBaoTransitKey", f"transit/keys/{names.transit_key}", dict(TRANSIT_KEY))


def transit_key_flaws(found: dict[str, Any]) -> list[str]:
    """What is wrong with a key, as OpenBao tells it, that nobody can put right by another setting."""
    flaws = [f"{what} is {found.get(what)}" for what, wanted in TRANSIT_KEY.items() if found.get(what) != wanted]
    return flaws + (["it is soft-deleted"] if found.get("soft_deleted") else [])


def transit_key_settings(found: dict[str, Any]) -> dict[str, Any]:
    """Settings to write below `/config`: those that keep the key from being lost. Empty when all is in place.

    Versions and rotation are left to whoever administers OpenBao.
    """
    return {"deletion_allowed": False} if found.get("deletion_allowed") else {}


CERTIFICATE_DAYS = 30
CERTIFICATE_ROLE = "OpenBaoCertificateRole"


def certificate_role(plan: Plan) -> Document | None:
    """By which the certificate of the tenant's own domains is signed, and of nothing else. None where it has none.

    It is good from an hour before it is signed: a player's clock may be behind.
    """
    if plan.cell.certificates is None or not plan.spec.domains:
        return None
    return Document(
        CERTIFICATE_ROLE,
        certificate_role_path(plan.names),
        {
            "allowed_domains": sorted(plan.spec.domains),
            "allow_bare_domains": True,
            "allow_subdomains": False,
            "allow_glob_domains": False,
            "allow_wildcard_certificates": False,
            "allow_localhost": False,
            "allow_any_name": False,
            "allow_ip_sans": False,
            "allowed_uri_sans": [],
            "allowed_other_sans": [],
            "enforce_hostnames": True,
            "require_cn": False,
            "use_csr_common_name": False,
            "use_csr_sans": True,
            "key_type": "ec",
            "key_bits": 256,
            "key_usage": ["DigitalSignature"],
            "server_flag": True,
            "client_flag": False,
            "code_signing_flag": False,
            "email_protection_flag": False,
            "ttl": CERTIFICATE_DAYS * 24 * HOUR,
            "max_ttl": CERTIFICATE_DAYS * 24 * HOUR,
            "not_before_duration": HOUR,
            "no_store": False,
            "generate_lease": False,
        },
    )


def certificate_role_path(names: Names) -> str:
    return f"pki/roles/{names.certificate_role}"


def doors(names: Names) -> list[str]:
    """Paths by which a login could still be had: JWT roles and policies."""
    roles = (names.bao_role, names.bao_migrate_role, names.bao_realtime_role, names.bao_backup_role)
    return [
        *(f"auth/jwt/role/{role}" for role in roles),
        *(f"sys/policies/acl/{role}" for role in roles),
    ]


def logins(names: Names) -> list[str]:
    """Names under `database/creds/` and `database/roles/`."""
    return [
        *names.creds_modules.values(),
        names.creds_former,
        names.creds_owner,
        names.creds_backup,
        names.creds_redis,
        names.creds_realtime,
    ]


def former_login(names: Names) -> str:
    """The path of the database role by which casinos of before log in."""
    return f"database/roles/{names.creds_former}"


def _policy(name: str, text: str) -> Document:
    return Document("OpenBaoPolicy", f"sys/policies/acl/{name}", {"policy": text})


def _rule(path: str, *capabilities: str) -> str:
    return f'path "{path}" {{ capabilities = {json.dumps(list(capabilities))} }}\n'


def _own_leases() -> str:
    return _rule("sys/leases/renew", "update") + _rule("sys/leases/revoke", "update")


def _casino_policy(plan: Plan, former: bool) -> str:
    names = plan.names
    readable = [
        *(f"database/creds/{creds}" for creds in names.creds_modules.values()),
        *([f"database/creds/{names.creds_former}"] if former else []),
        *([] if plan.cell.redis.elasticache else [f"database/creds/{names.creds_redis}"]),
        f"kv/data/tenants/{names.tenant}/*",
        *(f"kv/data/cell/psp/{provider.name}" for provider in plan.providers),
        *(f"kv/data/cell/studios/{studio.name}" for studio in plan.studios),
        *([f"kv/data/cell/registers/{plan.register.name}"] if plan.register else []),
    ]
    sealing = (
        _rule(f"transit/encrypt/{names.transit_key}", "update")
        + _rule(f"transit/decrypt/{names.transit_key}", "update")
        + _rule(f"transit/keys/{names.transit_key}", "read")
    )
    # Below what a casino reads lies what its backups are sealed under: the longer path wins.
    closed = _rule(f"kv/data/{names.backup_secret}", "deny")
    return "".join(_rule(path, "read") for path in readable) + closed + sealing + _own_leases()


def _backup_policy(plan: Plan) -> str:
    """Read what opens the database and the stores, and what seals; tell how it ended. Nothing of the casino's own."""
    names = plan.names
    readable = [
        f"database/creds/{names.creds_backup}",
        f"kv/data/{names.backup_secret}",
        *(f"kv/data/cell/backups/{store.name}" for store in plan.cell.backups),
    ]
    report = _rule(f"kv/data/{names.backup_report('*')}", "create", "update")
    return "".join(_rule(path, "read") for path in readable) + report + _own_leases()


def _backup_login(plan: Plan) -> list[Document]:
    names = plan.names
    if not plan.cell.backups:
        return []
    login = _postgresql_login([_create(names.backup_role)], ttl=BACKUP_SECONDS, max_ttl=BACKUP_SECONDS)
    return [Document("OpenBaoDatabaseRole", f"database/roles/{names.creds_backup}", login)]


def _jwt_role(names: Names, role: str, account: str, ttl: int, max_ttl: int) -> Document:
    return Document(
        "OpenBaoJWTRole",
        f"auth/jwt/role/{role}",
        {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": [AUDIENCE],
            "bound_subject": f"system:serviceaccount:{names.namespace}:{account}",
            "token_policies": [role],
            "token_ttl": ttl,
            "token_max_ttl": max_ttl,
        },
    )


def _login(role: str) -> dict[str, Any]:
    # A member of that one role and of nothing else: even an injected SET ROLE leads nowhere.
    return _postgresql_login([_create(role)], ttl=HOUR, max_ttl=24 * HOUR)


def _owner_login(names: Names) -> dict[str, Any]:
    # Whatever a migration makes belongs to the owner role, not to a login that is dropped within the hour.
    become = f"ALTER ROLE \"{{{{name}}}}\" SET role = '{names.owner_role}';"
    return _postgresql_login([_create(names.owner_role), become], ttl=HOUR // 2, max_ttl=HOUR)


def _create(role: str) -> str:
    return (
        "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' "
        f'IN ROLE "{role}";'
    )


def _postgresql_login(creation: list[str], ttl: int, max_ttl: int) -> dict[str, Any]:
    return {
        "db_name": "postgresql",
        "creation_statements": creation,
        "renew_statements": ["ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}';"],
        "revocation_statements": [
            'ALTER ROLE "{{name}}" NOLOGIN;',
            # Ending another's session takes membership of its role, which OpenBao may give itself.
            'GRANT "{{name}}" TO CURRENT_USER;',
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}';",
            'DROP ROLE IF EXISTS "{{name}}";',
        ],
        "default_ttl": ttl,
        "max_ttl": max_ttl,
    }


def redis_rules(names: Names) -> list[str]:
    """What a tenant may do in Redis, as its ACL says it: everything that touches its own keys and channels alone."""
    return [f"~{names.redis_prefix}*", f"&{names.redis_prefix}*", *REDIS_COMMANDS]


def realtime_rules(names: Names) -> list[str]:
    """What real time may do in Redis: read the streams of what is told, and the sessions of who is told."""
    readable = (f"%R~{names.redis_prefix}realtime:*", f"%R~{names.redis_prefix}session:*")
    return [*readable, "resetchannels", "-@all", *REALTIME_COMMANDS]


def _realtime_login(plan: Plan) -> str:
    """Where real time's login of Redis is read: the casino's own where AWS makes the users, one for each tenant."""
    if plan.cell.redis.elasticache is not None:
        return f"kv/data/{plan.names.redis_secret}"
    return f"database/creds/{plan.names.creds_realtime}"


def _redis(plan: Plan) -> list[Document]:
    """OpenBao's way to make the tenant's logins of Redis; none where AWS makes them (`cache_logins.py`)."""
    if plan.cell.redis.elasticache is not None:
        return []
    names = plan.names
    return [
        Document(
            "OpenBaoDatabaseRole",
            f"database/roles/{creds}",
            {
                "db_name": "redis",
                "creation_statements": [json.dumps(rules)],
                "default_ttl": HOUR,
                "max_ttl": 24 * HOUR,
            },
        )
        for creds, rules in ((names.creds_redis, redis_rules(names)), (names.creds_realtime, realtime_rules(names)))
    ]
