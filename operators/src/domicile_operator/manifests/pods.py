"""What the casino's pods share: the security context, the environment, the mounts."""

import json
from collections.abc import Sequence

from domicile_operator.manifests.metadata import labels
from domicile_operator.manifests.operation import FILE as OPERATION_FILE
from domicile_operator.manifests.operation import FOLDER as OPERATION_FOLDER
from domicile_operator.manifests.routes import REALTIME_PATH
from domicile_operator.names import AUDIENCE, CONFIG_MAP
from domicile_operator.plan import Manifest, Plan, Size

USER = 10001
CONFIG_FOLDER = "/etc/casino"
NETWORKS_FILE = "networks.csv"
GAMES_FILE = "games.json"
GAMES_PATH = "/etc/casino-games/manifest.json"
TOKEN_FOLDER = "/var/run/secrets/openbao"  # noqa: S105  a folder
TOKEN_SECONDS = 600
"""The shortest that Kubernetes projects; the kubelet renews it at four fifths of that."""


def config_map_data(plan: Plan) -> dict[str, str]:
    """What the ConfigMap `casino-config` holds."""
    networks = {NETWORKS_FILE: plan.cell.networks} if plan.asks_places else {}
    games = {GAMES_FILE: plan.games.text} if plan.games else {}
    return {"rules.json": plan.rules.text, "ca.crt": plan.cell.ca_pem, **networks, **games}


def games_mounts(plan: Plan) -> list[Manifest]:
    """The manifest of the games' software, as a mount of that file alone: such a file stays what it was when the pod
    began. A pod of the version before must not hold its software against the manifest of the next one."""
    if plan.games is None:
        return []
    return [{"name": "config", "mountPath": GAMES_PATH, "subPath": GAMES_FILE, "readOnly": True}]


def pod_template(
    plan: Plan,
    component: str,
    *,
    account: str,
    command: str,
    environment: dict[str, str],
    size: Size,
    mounts: Sequence[Manifest] = (),
    extra: Manifest | None = None,
) -> Manifest:
    """A pod of the casino's image that satisfies the `restricted` Pod Security Standard.

    `mounts` are further ones of its volumes; `extra` is laid over the container (ports, probes).
    """
    container = {
        "name": component,
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [command],
        "env": [{"name": name, "value": value} for name, value in sorted(environment.items())],
        "resources": {
            "requests": {"cpu": f"{size.cpu_m}m", "memory": f"{size.memory_mi}Mi"},
            "limits": {"cpu": f"{size.cpu_limit_m}m", "memory": f"{size.memory_limit_mi}Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True},
            *mounts,
            {"name": "openbao", "mountPath": TOKEN_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  the image's own
        ],
    }
    return {
        "metadata": {"labels": labels(plan, component)},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container | (extra or {})],
            "volumes": [
                {"name": "config", "configMap": {"name": CONFIG_MAP}},
                {
                    "name": "openbao",
                    "projected": {
                        "sources": [
                            {
                                "serviceAccountToken": {
                                    "path": "token",
                                    "audience": AUDIENCE,
                                    "expirationSeconds": TOKEN_SECONDS,
                                }
                            }
                        ]
                    },
                },
                {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            ],
        },
    }


def migrate_environment(plan: Plan) -> dict[str, str]:
    """Variables of the migration: the database's owner, and nothing whose change should migrate again."""
    cell, names = plan.cell, plan.names
    return {
        "CASINO_TENANT": names.tenant,
        "CASINO_RULES": f"{CONFIG_FOLDER}/rules.json",
        "CASINO_CA_FILE": f"{CONFIG_FOLDER}/ca.crt",
        "CASINO_DATABASE_HOST": cell.postgresql.host,
        "CASINO_DATABASE_PORT": str(cell.postgresql.port),
        "CASINO_DATABASE_NAME": names.database,
        "BAO_ADDR": cell.openbao.address,
        "BAO_ROLE": names.bao_migrate_role,
        "BAO_TOKEN_FILE": f"{TOKEN_FOLDER}/token",
        "BAO_DATABASE_ROLE": names.creds_owner,
    }


def casino_environment(plan: Plan) -> dict[str, str]:
    """Variables of the casino itself (docs/architecture.md, "The casino's process")."""
    names = plan.names
    providers = [
        {"name": provider.name, "url": provider.url, "secret_path": f"cell/psp/{provider.name}"}
        for provider in plan.providers
    ]
    studios = [
        {
            "studio": studio.name,
            "name": studio.title,
            "dialect": studio.dialect,
            "api_url": studio.api_url,
            "launch_url": studio.launch_url,
            "secret_path": f"cell/studios/{studio.name}",
        }
        for studio in plan.studios
    ]
    register = plan.register and {
        "register": plan.register.register_name,
        "url": plan.register.url,
        "secret_path": f"cell/registers/{plan.register.name}",
    }
    return (
        {name: value for name, value in migrate_environment(plan).items() if name != "BAO_DATABASE_ROLE"}
        | _redis_environment(plan, names.creds_redis)
        | ({"CASINO_IP_NETWORKS": f"{CONFIG_FOLDER}/{NETWORKS_FILE}"} if plan.asks_places else {})
        | ({"CASINO_EXCLUSION_REGISTER": json.dumps(register, sort_keys=True)} if register else {})
        | ({"CASINO_GAMES_MANIFEST": GAMES_PATH, "CASINO_GAMES_MANIFEST_KEY": plan.games.key} if plan.games else {})
        | {
            "CASINO_OPERATION": f"{OPERATION_FOLDER}/{OPERATION_FILE}",
            "CASINO_TRUSTED_PROXIES": str(plan.cell.trusted_proxies),
            "CASINO_RELEASE": plan.version,
            "CASINO_BRAND": plan.spec.brand,
            "CASINO_LICENCE_HOLDER": plan.spec.licence.holder,
            "CASINO_REALTIME_URL": REALTIME_PATH,
            "CASINO_PSP": json.dumps(providers, sort_keys=True),
            "CASINO_STUDIOS": json.dumps(studios, sort_keys=True),
            "BAO_ROLE": names.bao_role,
            "BAO_TRANSIT_KEY": names.transit_key,
            "BAO_DATABASE_ROLES": json.dumps(names.creds_modules, sort_keys=True),
        }
    )


def realtime_environment(plan: Plan) -> dict[str, str]:
    """Variables of real time: Redis and nothing else of what the casino has."""
    names = plan.names
    shared = ("CASINO_TENANT", "CASINO_CA_FILE", "BAO_ADDR", "BAO_TOKEN_FILE")
    return (
        {name: value for name, value in migrate_environment(plan).items() if name in shared}
        | _redis_environment(plan, names.creds_realtime)
        | {"CASINO_REALTIME_ORIGINS": json.dumps(plan.origins), "BAO_ROLE": names.bao_realtime_role}
    )


def _redis_environment(plan: Plan, role: str) -> dict[str, str]:
    """Where Redis is, and the login: of a role of OpenBao's, or, where AWS makes the users, the tenant's only one."""
    redis, names = plan.cell.redis, plan.names
    login = {"BAO_REDIS_SECRET": names.redis_secret} if redis.elasticache else {"BAO_REDIS_ROLE": role}
    return login | {
        "CASINO_REDIS_HOST": redis.host,
        "CASINO_REDIS_PORT": str(redis.port),
        "CASINO_REDIS_PREFIX": names.redis_prefix,
    }
