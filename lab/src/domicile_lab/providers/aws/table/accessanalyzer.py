"""IAM Access Analyzer. https://docs.aws.amazon.com/access-analyzer/latest/APIReference/"""

from __future__ import annotations

from typing import Final

from domicile_lab.providers.aws.model import Call, Read, Resource, Tags, Update

NAME: Final = {"analyzerName": "{id}"}
ARN: Final = {"resourceArn": "{arn}"}

RESOURCES: Final = (
    Resource(
        type="aws:accessanalyzer/analyzer:Analyzer",
        service="accessanalyzer",
        create=Call("CreateAnalyzer", {"type": lambda facts, _: facts.inputs.get("type") or "ACCOUNT"}),
        id="{analyzerName}",
        id_parts=("analyzerName",),
        reads=(Read("GetAnalyzer", NAME, at="analyzer", fields={"analyzerName": "name"}, tags="analyzer.tags"),),
        updates=(Update(Call("UpdateAnalyzer", NAME)),),
        delete=Call("DeleteAnalyzer", NAME),
        tags=Tags(
            Call("TagResource", ARN),
            Call("UntagResource", ARN),
            create="tags",
            form="map",
            tag_param="tags",
            untag_param="tagKeys",
        ),
        defaults={"type": "ACCOUNT"},
    ),
)
