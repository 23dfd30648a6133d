"""What the casino's pods share: the security context, the environment, the mounts."""

import json

from domicile_operator.manifests.metadata import labels
from domicile_operator.names import AUDIENCE, CONFIG_MAP
from domicile_operator.plan import Manifest, Plan, Size

USER = 10001
CONFIG_FOLDER = "/etc/casino"
TOKEN_FOLDER = "/var/run/secrets/openbao"  # noqa: S105  a folder
TOKEN_SECONDS = 600
"""The shortest that Kubernetes projects; the kubelet renews it at four fifths of that."""


def config_map_data(plan: Plan) -> dict[str, str]:
    """What the ConfigMap `casino-config` holds."""
    return {"rules.json": plan.rules.text, "ca.crt": plan.cell.ca_pem}


def pod_template(
    plan: Plan,
    component: str,
    *,
    account: str,
    command: str,
    environment: dict[str, str],
    size: Size,
    extra: Manifest | None = None,
) -> Manifest:
    """A pod of the casino's image that satisfies the `restricted` Pod Security Standard.

    `extra` is laid over the container (ports, probes).
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
    cell, names = plan.cell, plan.names
    providers = [
        {"name": provider.name, "url": provider.url, "secret_path": f"cell/psp/{provider.name}"}
        for provider in plan.providers
    ]
    redis = (
        {"BAO_REDIS_SECRET": names.redis_secret} if cell.redis.elasticache else {"BAO_REDIS_ROLE": names.creds_redis}
    )
    return (
        {name: value for name, value in migrate_environment(plan).items() if name != "BAO_DATABASE_ROLE"}
        | redis
        | {
            "CASINO_BRAND": plan.spec.brand,
            "CASINO_REDIS_HOST": cell.redis.host,
            "CASINO_REDIS_PORT": str(cell.redis.port),
            "CASINO_REDIS_PREFIX": names.redis_prefix,
            "CASINO_PSP": json.dumps(providers, sort_keys=True),
            "BAO_ROLE": names.bao_role,
            "BAO_TRANSIT_KEY": names.transit_key,
            "BAO_DATABASE_ROLES": json.dumps(names.creds_modules, sort_keys=True),
        }
    )
