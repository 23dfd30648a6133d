"""AWS Account Management. https://docs.aws.amazon.com/accounts/latest/reference/api-reference.html"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Update


def _other(facts: Facts, _: Cloud) -> str | None:
    """The account, if it is not the caller's own (whose id the API does not want to be told)."""
    return facts.inputs.get("accountId") or (facts.id.split(",")[0] if "," in facts.id else None)


def _opt(cloud: Cloud, facts: Facts) -> Any:
    operation = "EnableRegion" if facts.inputs["enabled"] else "DisableRegion"
    request = {"AccountId": _other(facts, cloud), "RegionName": facts.get("regionName")}
    cloud.call("account", operation, {key: value for key, value in request.items() if value})
    return {"id": ",".join(each for each in (request["AccountId"], request["RegionName"]) if each)}


def _kind(answer: Any, facts: Facts) -> str:
    return ",".join(each for each in (facts.inputs.get("accountId"), facts.inputs["alternateContactType"]) if each)


REGION: Final = {"AccountId": _other, "RegionName": lambda facts, _: facts.id.rpartition(",")[2]}
CONTACT: Final = {"AccountId": _other, "AlternateContactType": lambda facts, _: facts.id.rpartition(",")[2]}

RESOURCES: Final = (
    Resource(
        type="aws:account/region:Region",
        service="account",
        create=_opt,
        id="=id",
        reads=(
            Read(
                "GetRegionOptStatus",
                REGION,
                fields={
                    "enabled": lambda found: found["RegionOptStatus"] in {"ENABLED", "ENABLING", "ENABLED_BY_DEFAULT"},
                    "optStatus": "RegionOptStatus",
                    "accountId": lambda _: None,
                },
            ),
        ),
        updates=(Custom(("enabled",), _opt),),
        # An account is not made to forget a region by a program that stops managing it.
        delete=None,
        quiet=("accountId",),
    ),
    Resource(
        type="aws:account/alternativeContact:AlternativeContact",
        service="account",
        create=Call("PutAlternateContact"),
        id=_kind,
        reads=(Read("GetAlternateContact", CONTACT, at="AlternateContact"),),
        updates=(Update(Call("PutAlternateContact", CONTACT), whole=True),),
        delete=Call("DeleteAlternateContact", CONTACT),
        names={"alternateContactType": "AlternateContactType"},
        quiet=("accountId",),
    ),
)
