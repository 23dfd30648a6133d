"""Amazon Elastic Container Registry. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"""

from __future__ import annotations

from typing import Final

from domicile_lab.providers.aws.model import Call, Read, Resource, Tags, Update

NAME: Final = {"repositoryName": "{id}"}
SCANNING: Final = Call("PutRegistryScanningConfiguration")

RESOURCES: Final = (
    Resource(
        type="aws:ecr/repository:Repository",
        service="ecr",
        create=Call("CreateRepository"),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "DescribeRepositories",
                {"repositoryNames": ["{id}"]},
                at="repositories",
                fields={"arn": "repositoryArn", "repositoryUrl": "repositoryUri"},
            ),
            Read("ListTagsForResource", {"resourceArn": "{arn}"}, only=(), tags="tags"),
        ),
        updates=(
            Update(Call("PutImageTagMutability", NAME), whole=True),
            Update(Call("PutImageScanningConfiguration", NAME)),
        ),
        delete=Call("DeleteRepository", {**NAME, "force": lambda facts, _: bool(facts.get("forceDelete"))}),
        tags=Tags(
            Call("TagResource", {"resourceArn": "{arn}"}),
            Call("UntagResource", {"resourceArn": "{arn}"}),
            create="tags",
            tag_param="tags",
            untag_param="tagKeys",
        ),
        names={"name": "repositoryName"},
        defaults={"imageTagMutability": "MUTABLE"},
        autoname="name",
        autoname_length=256,
        local=("forceDelete",),
        quiet=("imageTagMutabilityExclusionFilters",),
    ),
    Resource(
        type="aws:ecr/lifecyclePolicy:LifecyclePolicy",
        service="ecr",
        create=Call("PutLifecyclePolicy"),
        id="{repository}",
        id_parts=("repository",),
        reads=(Read("GetLifecyclePolicy", NAME, fields={"policy": "lifecyclePolicyText"}),),
        updates=(Update(Call("PutLifecyclePolicy", NAME), whole=True),),
        delete=Call("DeleteLifecyclePolicy", NAME),
        names={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
        json=("policy",),
    ),
    Resource(
        type="aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
        service="ecr",
        create=SCANNING,
        id="{account}",
        reads=(
            Read(
                "GetRegistryScanningConfiguration",
                fields={"rules": "scanningConfiguration.rules", "scanType": "scanningConfiguration.scanType"},
            ),
        ),
        updates=(Update(SCANNING, whole=True),),
        # There is no registry without one; the least is what stays.
        delete=Call("PutRegistryScanningConfiguration", {"scanType": "BASIC", "rules": []}),
    ),
)
