"""What is attached to which unit and account of the cloud's organisation: every policy of it, as values.

Pure, and derived from a zone's places alone. What each document says is in `residency.py`, `perimeter.py`,
`guardrails.py`, `integrity.py`, `resources.py` and `declarative.py`. Every answer is within AWS's quotas, or QuotaError
says what is not.
"""

from collections.abc import Iterable, Mapping

from domicile_policies.declarative import ai_opt_out_policy, ec2_policy, s3_policy, tag_policy
from domicile_policies.documents import (
    QUOTAS,
    Document,
    PolicyDocument,
    PolicyType,
    Quota,
    Statement,
    require_within_quotas,
)
from domicile_policies.exemptions import Exempt
from domicile_policies.guardrails import guardrails_policy
from domicile_policies.integrity import integrity_policy
from domicile_policies.names import CORE
from domicile_policies.perimeter import perimeter_policy
from domicile_policies.residency import issuers_statement, residency_policy
from domicile_policies.resources import resource_policy
from domicile_policies.zones import EVERYWHERE, ResidencyZone

GLOBAL_REGION = "us-east-1"
"""Where the services without regions have their endpoint, in the commercial partition."""


def zone_documents(
    zone: ResidencyZone,
    *,
    exempt: Exempt | None = None,
    image_accounts: Iterable[str] = (),
    quotas: Mapping[PolicyType, Quota] = QUOTAS,
) -> tuple[PolicyDocument, ...]:
    """What is attached to the unit of a residency zone, in the order of attachment. Raises QuotaError."""
    edge = zone.name == EVERYWHERE
    return _within(
        zone.name,
        quotas,
        _scp(f"{zone.name}-residency", service_control_policy(zone)),
        _scp(f"{zone.name}-perimeter", perimeter_policy(edge=edge)),
        _scp(f"{zone.name}-guardrails", guardrails_policy(exempt)),
        _scp(f"{zone.name}-integrity", integrity_policy(exempt)),
        _rcp(f"{zone.name}-resources", resource_control_policy(zone)),
        PolicyDocument(
            f"{zone.name}-ec2", PolicyType.DECLARATIVE_EC2, ec2_policy(image_accounts=image_accounts, internet=True)
        ),
    )


def core_documents(
    home: str,
    in_use: Iterable[str],
    *,
    exempt: Exempt | None = None,
    quotas: Mapping[PolicyType, Quota] = QUOTAS,
) -> tuple[PolicyDocument, ...]:
    """What is attached to the unit of the organisation's own accounts. Raises QuotaError.

    They act in `home` and where the services without regions are; what watches the accounts acts in every region
    `in_use` too. No player's data is there.
    """
    places = (home, GLOBAL_REGION)
    return _within(
        CORE,
        quotas,
        _scp(f"{CORE}-residency", _with(residency_policy(places, security=in_use), issuers_statement(()))),
        _scp(f"{CORE}-perimeter", perimeter_policy()),
        _scp(f"{CORE}-guardrails", guardrails_policy(exempt)),
        _scp(f"{CORE}-integrity", integrity_policy(exempt)),
        _rcp(f"{CORE}-resources", resource_policy({*places, *in_use})),
        PolicyDocument(f"{CORE}-ec2", PolicyType.DECLARATIVE_EC2, ec2_policy(internet=False)),
    )


def account_documents(
    name: str,
    places: Iterable[str],
    *,
    clusters: Iterable[str] = (),
    edge: bool = False,
    quotas: Mapping[PolicyType, Quota] = QUOTAS,
) -> tuple[PolicyDocument, ...]:
    """What is attached to one account beside its unit's: it stays in its own places, inside the zone's.

    `name` is the account's. `places` are a cell's own and that of its backups; a zone's log archive has the places of
    the zone's cells. `clusters` are where the account has clusters, whose tokens it may trust. Raises QuotaError.
    """
    pinned = sorted(set(places))
    return _within(
        name,
        quotas,
        _scp(f"{name}-place", _with(residency_policy(pinned, edge=edge), issuers_statement(clusters))),
        _rcp(f"{name}-place-resources", resource_policy(pinned)),
    )


def root_documents(
    environment: str, jurisdictions: Iterable[str], *, quotas: Mapping[PolicyType, Quota] = QUOTAS
) -> tuple[PolicyDocument, ...]:
    """What is attached to the organisation's root: how things are tagged, nothing public in S3, no learning from us.

    `jurisdictions` are those of all cells. Raises QuotaError.
    """
    return _within(
        "the root",
        quotas,
        PolicyDocument(
            f"{environment}-tags", PolicyType.TAG, tag_policy(environment=environment, jurisdictions=jurisdictions)
        ),
        PolicyDocument(f"{environment}-s3", PolicyType.S3, s3_policy()),
        PolicyDocument(f"{environment}-ai-opt-out", PolicyType.AI_OPT_OUT, ai_opt_out_policy()),
    )


def service_control_policy(zone: ResidencyZone) -> Document:
    """What no principal of the zone's accounts may do: act outside its regions, or send data out of them."""
    return residency_policy(zone.places, edge=zone.name == EVERYWHERE)


def resource_control_policy(zone: ResidencyZone) -> Document:
    """What may not be done to the data of the zone's accounts, whoever asks."""
    return resource_policy(zone.places)


def _with(document: Document, *statements: Statement) -> Document:
    return document | {"Statement": [*document["Statement"], *statements]}


def _scp(name: str, content: Document) -> PolicyDocument:
    return PolicyDocument(name, PolicyType.SERVICE_CONTROL, content)


def _rcp(name: str, content: Document) -> PolicyDocument:
    return PolicyDocument(name, PolicyType.RESOURCE_CONTROL, content)


def _within(target: str, quotas: Mapping[PolicyType, Quota], *documents: PolicyDocument) -> tuple[PolicyDocument, ...]:
    require_within_quotas(target, documents, quotas)
    return documents
