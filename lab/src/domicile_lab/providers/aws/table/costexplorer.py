"""AWS Cost Explorer. https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Cloud, Custom, Facts, Read, Resource
from domicile_lab.providers.interface import ProviderError


def _set(status: str | None = None) -> Any:
    def run(cloud: Cloud, facts: Facts) -> Any:
        entry = {"TagKey": facts.get("tagKey") or facts.id, "Status": status or facts.inputs["status"]}
        answer = cloud.call("ce", "UpdateCostAllocationTagsStatus", {"CostAllocationTagsStatus": [entry]})
        if answer.get("Errors"):
            told = "; ".join(str(each.get("Message", each)) for each in answer["Errors"])
            raise ProviderError(f"cost allocation tag {entry['TagKey']}: {told}")
        return answer

    return run


RESOURCES: Final = (
    Resource(
        type="aws:costexplorer/costAllocationTag:CostAllocationTag",
        service="ce",
        create=_set(),
        id="{tagKey}",
        id_parts=("tagKey",),
        id_separator="\0",
        reads=(
            Read(
                "ListCostAllocationTags",
                {"TagKeys": ["{id}"]},
                at="CostAllocationTags",
                pick=lambda found, facts: next((each for each in found or () if each["TagKey"] == facts.id), None),
            ),
        ),
        updates=(Custom(("status",), _set()),),
        delete=_set("Inactive"),
    ),
)
