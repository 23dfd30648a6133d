"""The Job that takes one backup. Pure."""

from dataclasses import replace

from domicile_operator.bao_documents import BACKUP_SECONDS
from domicile_operator.cell import BackupStore
from domicile_operator.clients.kube import Object
from domicile_operator.manifests.metadata import metadata
from domicile_operator.manifests.pods import migrate_environment, pod_template
from domicile_operator.names import API_VERSION, BACKUP_ACCOUNT, BACKUP_KIND
from domicile_operator.plan import SIZES, Manifest, Plan
from domicile_operator.releases.course import Release

BACKUP = "backup"
"""The component of its pod."""
KEPT_SECONDS = 86_400
"""How long a Job that has ended stays to be read."""
RETRIES = 2
ROOM = "512Mi"
"""restic keeps packs of some 16 MiB, one for each connection and those being filled, until the store has them. A pod
that outgrows its folder is evicted."""


def job_name(backup: Object) -> str:
    """One Job for one CasinoBackup, whoever asks again."""
    return f"casino-backup-{backup['metadata']['uid'][:13]}"


def backup_job(plan: Plan, store: BackupStore, backup: Object, image: str) -> Manifest:
    """It belongs to the CasinoBackup, and goes with it. Its template needs nothing of the operator's but names."""
    plan, names, uid = replace(plan, release=Release(image)), plan.names, backup["metadata"]["uid"]
    shared = {name: value for name, value in migrate_environment(plan).items() if name != "BAO_DATABASE_ROLE"}
    environment = shared | {
        "CASINO_BACKUP_ID": uid,
        "CASINO_BACKUP_STORE": store.repository(names.tenant),
        "CASINO_LICENCE": plan.spec.licence.number,
        "BAO_ROLE": names.bao_backup_role,
        "BAO_DATABASE_ROLES": f'{{"backup": "{names.creds_backup}"}}',
        "BAO_BACKUP_PASSWORD": names.backup_secret,
        "BAO_BACKUP_STORE": f"cell/backups/{store.name}",
        "BAO_BACKUP_REPORT": names.backup_report(uid),
    }
    template = pod_template(
        plan,
        BACKUP,
        account=BACKUP_ACCOUNT,
        command=BACKUP,
        environment=environment,
        size=SIZES["small"],
        extra={"args": [BACKUP, "take"]},
    )
    template["spec"]["restartPolicy"] = "Never"
    for volume in template["spec"]["volumes"]:
        if volume["name"] == "tmp":
            volume["emptyDir"] = {"sizeLimit": ROOM}
    made = metadata(plan, job_name(backup), BACKUP)
    owner = {"apiVersion": API_VERSION, "kind": BACKUP_KIND, "name": backup["metadata"]["name"], "uid": uid}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": made | {"ownerReferences": [owner]},
        "spec": {
            "backoffLimit": RETRIES,
            "activeDeadlineSeconds": BACKUP_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": template,
        },
    }
