"""Plans for tests, made of little."""

from datetime import date

from domicile_policies.plan import Options, PackFacts, Plan, PlannedResource, Provider
from domicile_policies.plan.tokens import aws

TAGS = {
    "domicile:environment": "prod",
    "domicile:cell": "gb-prod",
    "domicile:tenant": "shared",
    "domicile:jurisdiction": "GB",
    "domicile:data-class": "wagering",
    "domicile:owner": "platform@acme.example",
}
HOME, BACKUP = "eu-west-2", "eu-west-1"
TODAY = date(2026, 6, 1)
OWN = "111122223333"
KEY = "arn:aws:kms:eu-west-2:111122223333:key/k"


def facts(**changes):
    usual = {
        "stack": "gb-prod",
        "environment": "prod",
        "lawful_places": frozenset({HOME, BACKUP}),
        "backup_places": frozenset({HOME, BACKUP}),
        "today": TODAY,
        "personal": frozenset({"player_identity", "wagering", "keys", "audit_log"}),
    }
    return PackFacts(**(usual | changes))


def urn(kind, name, stack="gb-prod"):
    return f"urn:pulumi:{stack}::domicile::{kind}::{name}"


def provider(region=HOME, name="cell", accounts=f'["{OWN}"]'):
    return Provider(name, urn("pulumi:providers:aws", name), {"region": region, "allowedAccountIds": accounts})


CELL = provider()


def resource(kind, name="it", /, *, protect=False, retain=None, provider=CELL, operation=None, **more):
    """A resource; `kind` is a type's token or its module and name with a dot, as s3.Bucket."""
    token = kind if ":" in kind else aws(*kind.split("."))
    properties = more.pop("properties", {})
    return PlannedResource(
        urn=urn(token, name),
        type=token,
        name=name,
        properties=properties,
        options=Options(protect=protect, retain_on_delete=retain),
        provider=provider,
        operation=operation,
        **more,
    )


def plan(*resources, changes_only=False):
    return Plan("gb-prod", resources, changes_only)
