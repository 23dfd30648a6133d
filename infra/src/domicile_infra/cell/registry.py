"""The cell's registry: a repository for each image that it runs, whose tags never mean another."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.images import OWN, Image

UNTAGGED_DAYS = 14

LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "description": "What no tag names any more",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": UNTAGGED_DAYS,
                },
                "action": {"type": "expire"},
            }
        ]
    },
    sort_keys=True,
)
"""Tagged images stay: which program decided an outcome is asked years later."""


@dataclass(frozen=True)
class RegistryArgs:
    """`cluster_key_arn` closes the images."""

    plan: CellPlan
    cluster_key_arn: pulumi.Input[str]


class Registry(CellComponent):
    """`url` is the registry's host."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        urls = [self._repository(plan, image, args.cluster_key_arn).repository_url for image in plan.images]
        aws.ecr.RegistryScanningConfiguration(
            "scanning",
            scan_type="BASIC",
            rules=[
                {"scan_frequency": "SCAN_ON_PUSH", "repository_filters": [{"filter": "*", "filter_type": "WILDCARD"}]}
            ],
            opts=self.child(),
        )
        self.url = urls[0].apply(lambda found: found.split("/")[0])
        self.register_outputs({"url": self.url})

    def _repository(self, plan: CellPlan, image: Image, key_arn: pulumi.Input[str]) -> aws.ecr.Repository:
        name = image.name.removeprefix(OWN)
        repository = aws.ecr.Repository(
            name,
            name=image.name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": key_arn}],
            force_delete=False,
            tags=plan.tags.tags([DataClass.GAME_SERVER] if image.ours else []),
            opts=self.child(stateful=True),
        )
        aws.ecr.LifecyclePolicy(name, repository=repository.name, policy=LIFECYCLE, opts=self.child())
        return repository
