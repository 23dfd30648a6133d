"""The residency truth table: what should be allowed and denied, worked out without any of the package's own rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from catalog_testkit import naive
from domicile_catalog import DataClass, Product, TenantRequest
from domicile_policies.evaluator import Request

TRUTH = Path(__file__).parents[1] / "truth"
ACTIONS = yaml.safe_load((TRUTH / "actions.yaml").read_text())
GUARDRAILS = [
    row
    for name in ("guardrails", "integrity", "backup")
    for row in yaml.safe_load((TRUTH / f"{name}.yaml").read_text())
]
HARMLESS = yaml.safe_load((TRUTH / "harmless.yaml").read_text())
IN_USE = yaml.safe_load((TRUTH / "in_use.yaml").read_text())
NOWHERE = "nowhere-1"
"""A region that AWS opens tomorrow: nothing is known of it, so nothing may go there."""

OURS = {
    "aws:PrincipalArn": "arn:aws:iam::111122223333:role/developer",
    "aws:PrincipalAccount": "111122223333",
    "aws:PrincipalOrgID": "o-ours",
    "aws:ResourceOrgID": "o-ours",
    "aws:PrincipalIsAWSService": "false",
    "aws:SecureTransport": "true",
}


@dataclass(frozen=True)
class Case:
    """A request, whether it is lawful, and what it is about in words."""

    request: Request
    allowed: bool
    about: str


def _lawful(catalogue, code, on, production):
    found = set(catalogue.implicit_places)
    request = TenantRequest(jurisdiction=code, products=(Product.CASINO,), production=production, on=on)
    for data_class in DataClass:
        if catalogue.data_classes[data_class].in_cell:
            question = request.question(Product.CASINO, data_class)
            known = naive.by_licence(catalogue, code, data_class, catalogue.implicit_places, (), on) or set()
            asked = naive.demands(catalogue, question, ())
            found &= {one for one in known if naive.may_hold(catalogue, one, asked, is_copy=False)}
    return frozenset(found)


def lawful_places(catalogue, zone, on, *, production):
    """The regions that may hold everything of every jurisdiction of a zone that rests in a cell."""
    return frozenset.intersection(*(_lawful(catalogue, code, on, production) for code in zone.jurisdictions))


def call(action, region, resource="*", **more):
    """A request of one of our own principals, about a resource of ours."""
    context = {**OURS, "aws:RequestedRegion": region, **more.pop("context", {})}
    return Request(action, resource, {key: value for key, value in context.items() if value is not None})


def cases(row, home, lawful, regions) -> Iterator[Case]:
    """Every cell of the table for one action: where it is called from and to, and whether that is lawful."""
    kind, action = row["kind"], row["action"]
    if kind in ("acts", "arrives"):
        for region in regions:
            yield Case(call(action, region, context=_filled(row, region, region)), region in lawful, f"in {region}")
    elif kind == "told":
        for target in regions:
            context = {row["key"]: _value(row["value"], home, target)}
            yield Case(call(action, home, context=context), target in lawful, f"from {home} to {target}")
        for region in regions:
            context = {row["key"]: _value(row["value"], region, home)}
            yield Case(call(action, region, context=context), region in lawful, f"from {region} to {home}")
    elif kind == "outward":
        for region in regions:
            fits = region in lawful or row.get("global", False)
            yield Case(call(action, region), fits, f"ours, in {region}")
            for owner in ("o-other", None):
                yield Case(call(action, region, context={"aws:ResourceOrgID": owner}), False, f"{owner}'s, in {region}")
    else:
        for region in regions:
            yield Case(call(action, region, context=_filled(row, region, region)), False, f"in {region}")


def kept(row, region) -> Iterator[Case]:
    """Every cell of a guardrails' row: who asks for it, in a region, and whether that one may."""
    for action in row["actions"] if "actions" in row else [row["action"]]:
        for allowed, names in ((False, row.get("denied", [])), (True, row.get("allowed", []))):
            for name in names:
                who = "arn:aws:iam::1:root" if name == "root" else f"arn:aws:iam::1:role/{name}"
                context = {"aws:PrincipalArn": who, **_filled(row, region, region)}
                yield Case(call(action, region, row.get("of", "*"), context=context), allowed, f"by {name}")


def _filled(row, region, target):
    return {key: _value(value, region, target) for key, value in row.get("context", {}).items()}


def _value(value, region, target):
    if isinstance(value, list):
        return tuple(one.format(region=region, target=target) for one in value)
    return value.format(region=region, target=target)
