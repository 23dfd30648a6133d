"""AWS WAF. https://docs.aws.amazon.com/waf/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Facts, Read, Resource, Tags, Update


def _part(number: int) -> Any:
    """The id is <uuid>/<name>/<scope>."""
    return lambda facts, _: facts.id.split("/")[number]


def _token(facts: Facts, cloud: Cloud) -> str:
    """WAF wants the newest token with every change; one in the state may be old."""
    id_, name, scope = facts.id.split("/")
    return str(cloud.call("wafv2", "GetWebACL", {"Id": id_, "Name": name, "Scope": scope})["LockToken"])


ACL: Final = {"Id": _part(0), "Name": _part(1), "Scope": _part(2)}

RESOURCES: Final = (
    Resource(
        type="aws:wafv2/webAcl:WebAcl",
        service="wafv2",
        create=Call("CreateWebACL"),
        id=lambda answer, facts: f"{answer['Summary']['Id']}/{facts.inputs['name']}/{facts.inputs['scope']}",
        id_parts=("_id", "name", "scope"),
        id_separator="/",
        reads=(
            Read(
                "GetWebACL",
                ACL,
                at="WebACL",
                gone=("WAFNonexistentItemException",),
            ),
            Read("ListTagsForResource", {"ResourceARN": "{arn}"}, only=(), tags="TagInfoForResource.TagList"),
        ),
        updates=(
            Update(
                Call(
                    "UpdateWebACL",
                    {**ACL, "LockToken": _token},
                ),
                whole=True,
            ),
        ),
        delete=Call(
            "DeleteWebACL",
            {**ACL, "LockToken": _token},
        ),
        tags=Tags(
            Call("TagResource", {"ResourceARN": "{arn}"}),
            Call("UntagResource", {"ResourceARN": "{arn}"}),
            create="Tags",
        ),
        names={
            "cookies.matchPatterns": "MatchPattern",
        },
        autoname="name",
        autoname_length=128,
        volatile=("lockToken", "capacity"),
        unsupported=("associationConfig", "dataProtectionConfig", "namePrefix", "ruleJson"),
        quiet=("captchaConfig", "challengeConfig", "customResponseBodies"),
    ),
    Resource(
        type="aws:wafv2/webAclAssociation:WebAclAssociation",
        service="wafv2",
        create=Call("AssociateWebACL"),
        id="{webAclArn},{resourceArn}",
        id_parts=("webAclArn", "resourceArn"),
        id_separator=",",
        reads=(
            Read(
                "GetWebACLForResource",
                {"ResourceArn": "{resourceArn}"},
                at="WebACL",
                gone=("WAFNonexistentItemException",),
                pick=lambda found, facts: found if found and found["ARN"] == facts.get("webAclArn") else None,
                only=(),
            ),
        ),
        delete=Call("DisassociateWebACL", {"ResourceArn": "{resourceArn}"}),
        delete_before_replace=True,
    ),
    Resource(
        type="aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        service="wafv2",
        create=Call("PutLoggingConfiguration", inside="LoggingConfiguration"),
        id="{resourceArn}",
        id_parts=("resourceArn",),
        id_separator="\0",
        reads=(
            Read(
                "GetLoggingConfiguration",
                {"ResourceArn": "{id}"},
                at="LoggingConfiguration",
                gone=("WAFNonexistentItemException",),
            ),
        ),
        updates=(Update(Call("PutLoggingConfiguration", inside="LoggingConfiguration"), whole=True),),
        delete=Call("DeleteLoggingConfiguration", {"ResourceArn": "{id}"}),
        replaces=("resourceArn",),
    ),
)
