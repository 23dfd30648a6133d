"""Account-wide settings of EBS. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource


def _switch(cloud: Cloud, facts: Facts) -> dict[str, str]:
    enabled = facts.inputs.get("enabled", True)
    cloud.call("ec2", "EnableEbsEncryptionByDefault" if enabled else "DisableEbsEncryptionByDefault", {})
    return {}


RESOURCES: Final = (
    Resource(
        type="aws:ebs/encryptionByDefault:EncryptionByDefault",
        service="ec2",
        create=_switch,
        id="{account}/{region}",
        reads=(Read("GetEbsEncryptionByDefault", only=(), fields={"enabled": "EbsEncryptionByDefault"}),),
        updates=(Custom(("enabled",), _switch),),
        delete=Call("DisableEbsEncryptionByDefault"),
        defaults={"enabled": True},
    ),
    Resource(
        type="aws:ebs/defaultKmsKey:DefaultKmsKey",
        service="ec2",
        create=Call("ModifyEbsDefaultKmsKeyId"),
        id="{account}/{region}",
        reads=(Read("GetEbsDefaultKmsKeyId", only=(), fields={"keyArn": "KmsKeyId"}),),
        delete=Call("ResetEbsDefaultKmsKeyId"),
        names={"keyArn": "KmsKeyId"},
    ),
)
