"""Operations of single services that moto lacks or leaves half done, where what they change lives in moto itself."""

from __future__ import annotations

import json
from functools import wraps
from typing import Any

from moto.acm.models import AWSCertificateManagerBackend, CertBundle
from moto.acm.responses import AWSCertificateManagerResponse
from moto.cloudtrail.models import CloudTrailBackend
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response
from moto.iam.responses import IamResponse
from moto.kms import models as kms_models
from moto.kms import responses as kms_responses
from moto.kms import utils as kms_utils
from moto.kms.responses import KmsResponse
from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse
from moto.s3.models import FakeBucket
from moto.securityhub.models import SecurityHubBackend
from moto.securityhub.responses import SecurityHubResponse

from domicile_lab.cloud.corrections.overlay import lay


def apply() -> None:
    """Lay these corrections over moto."""
    for correct in (
        _default_volume_key,
        _log_groups,
        _key_policies,
        _key_material,
        _key_rotation,
        _rule_descriptions,
        _flow_log_prefixes,
        _open_id_clients,
        _certificate_options,
        _hub_configuration,
        _bucket_logging,
        _trails,
    ):
        correct()


def _default_volume_key() -> None:
    """moto sets the default key of volumes, but does not tell it."""

    def get(self: Any) -> ActionResult:
        account, region = self.ec2_backend.account_id, self.ec2_backend.region_name
        usual = f"arn:aws:kms:{region}:{account}:alias/aws/ebs"
        return ActionResult({"KmsKeyId": self.ec2_backend.default_kms_key_id or usual})

    def reset(self: Any) -> ActionResult:
        self.ec2_backend.default_kms_key_id = ""
        return get(self)

    lay(EC2Response, get_ebs_default_kms_key_id=get, reset_ebs_default_kms_key_id=reset)


def _log_groups() -> None:
    """moto gives a log group its key only when it is made, and protects none from deletion."""

    def group(self: Any) -> Any:
        name = self._get_param("logGroupName") or self._get_param("logGroupIdentifier")
        name = name or self._get_param("resourceIdentifier")
        return self.logs_backend.groups[name.split(":")[6] if name.startswith("arn:") else name]

    def associate(self: Any) -> EmptyResult:
        group(self).kms_key_id = self._get_param("kmsKeyId")
        return EmptyResult()

    def protect(self: Any) -> EmptyResult:
        group(self).deletion_protected = self._get_param("deletionProtectionEnabled")
        return EmptyResult()

    describe = LogGroup.to_describe_dict

    @wraps(describe)
    def to_describe_dict(self: Any) -> dict[str, Any]:
        return describe(self) | {"deletionProtectionEnabled": bool(getattr(self, "deletion_protected", False))}

    lay(LogGroup, to_describe_dict=to_describe_dict)
    lay(
        LogsResponse,
        associate_kms_key=associate,
        disassociate_kms_key=associate,
        put_log_group_deletion_protection=protect,
    )


def _key_policies() -> None:
    """moto reads one denial in a key's policy, without its conditions, and refuses DescribeKey to everybody.

    No other identity or resource policy is judged here; this one would be judged wrongly.
    """
    setattr(kms_responses, "validate_policy", lambda key, action: None)  # noqa: B010 - a name that it only imports


def _key_material() -> None:
    """moto makes an RSA key for each symmetric one too, which takes longer than all else in a cell together."""
    make = kms_utils.generate_private_key

    @wraps(make)
    def generate_private_key(key_spec: str) -> Any:
        asymmetric = key_spec.startswith(("RSA_", "ECC_"))
        return make(key_spec if asymmetric else kms_utils.KeySpec.ECC_NIST_P256)

    setattr(kms_models, "generate_private_key", generate_private_key)  # noqa: B010 - a name that it only imports


def _key_rotation() -> None:
    """moto forgets how often a key is rotated."""
    enable, status = KmsResponse.enable_key_rotation, KmsResponse.get_key_rotation_status

    def key(self: Any) -> Any:
        return self.kms_backend.keys[self.kms_backend.get_key_id(self._get_param("KeyId"))]

    @wraps(enable)
    def enable_key_rotation(self: Any) -> Any:
        answer = enable(self)
        key(self).rotation_period = self._get_param("RotationPeriodInDays") or 365
        return answer

    @wraps(status)
    def get_key_rotation_status(self: Any) -> str:
        told = json.loads(status(self))
        if told["KeyRotationEnabled"]:
            told["RotationPeriodInDays"] = getattr(key(self), "rotation_period", 365)
        return json.dumps(told)

    lay(KmsResponse, enable_key_rotation=enable_key_rotation, get_key_rotation_status=get_key_rotation_status)


def _rule_descriptions() -> None:
    """moto tells the descriptions of rules for address ranges alone."""

    def description(self: Any) -> str | None:
        sources = (self.ip_range, self.source_group, getattr(self, "prefix_list_ids", None))
        for source in sources:
            one = source[0] if isinstance(source, list) and source else source
            if isinstance(one, dict) and one.get("Description"):
                return str(one["Description"])
        return None

    lay(SecurityGroupRule, description=property(description))


def _flow_log_prefixes() -> None:
    """moto takes a bucket's prefix for a part of the bucket's name."""
    create = EC2Backend.create_flow_logs

    @wraps(create)
    def create_flow_logs(self: Any, *args: Any, **given: Any) -> Any:
        destination = given.get("log_destination") or ""
        if not destination.startswith("arn:aws:s3:::") or "/" not in destination:
            return create(self, *args, **given)
        made, failed = create(self, *args, **given | {"log_destination": destination.partition("/")[0]})
        for one in made:
            one.log_destination = destination
        return made, failed

    lay(EC2Backend, create_flow_logs=create_flow_logs)


def _open_id_clients() -> None:
    """moto's identity providers keep the clients that they were made with."""

    def provider(self: Any) -> Any:
        return self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))

    def add(self: Any) -> EmptyResult:
        clients, client = provider(self).client_id_list, self._get_param("ClientID")
        if client not in clients:
            clients.append(client)
        return EmptyResult()

    def remove(self: Any) -> EmptyResult:
        clients = provider(self).client_id_list
        clients[:] = [one for one in clients if one != self._get_param("ClientID")]
        return EmptyResult()

    lay(
        IamResponse,
        add_client_id_to_open_id_connect_provider=add,
        remove_client_id_from_open_id_connect_provider=remove,
    )


def _certificate_options() -> None:
    """moto's certificates keep the options that they were made with, and have one kind of key."""
    describe, request = CertBundle.describe, AWSCertificateManagerResponse.request_certificate

    @wraps(describe)
    def described(self: Any) -> dict[str, Any]:
        told: dict[str, Any] = describe(self)
        told["Certificate"]["KeyAlgorithm"] = getattr(self, "asked_algorithm", told["Certificate"]["KeyAlgorithm"])
        return told

    @wraps(request)
    def request_certificate(self: Any) -> Any:
        answer: Any = request(self)
        if algorithm := self._get_param("KeyAlgorithm"):
            self.acm_backend.get_certificate(answer.result["CertificateArn"]).asked_algorithm = algorithm
        return answer

    def update(self: Any) -> EmptyResult:
        backend: AWSCertificateManagerBackend = self.acm_backend
        options = self._get_param("Options") or {}
        backend.get_certificate(self._get_param("CertificateArn")).cert_options.update(options)
        return EmptyResult()

    lay(CertBundle, describe=described)
    lay(
        AWSCertificateManagerResponse,
        request_certificate=request_certificate,
        update_certificate_options=update,
    )


def _hub_configuration() -> None:
    """moto's hub keeps the controls that it was enabled with."""
    describe = SecurityHubBackend.describe_hub

    @wraps(describe)
    def describe_hub(self: Any, hub_arn: str | None = None) -> dict[str, Any]:
        return describe(self, hub_arn) | getattr(self, "hub_configuration", {})

    def update(self: Any) -> EmptyResult:
        backend = self.securityhub_backend
        backend.describe_hub()
        told = json.loads(self.body)
        known = {name: told[name] for name in ("AutoEnableControls", "ControlFindingGenerator") if name in told}
        backend.hub_configuration = getattr(backend, "hub_configuration", {}) | known
        return EmptyResult()

    lay(SecurityHubBackend, describe_hub=describe_hub)
    lay(SecurityHubResponse, update_security_hub_configuration=update)


def _bucket_logging() -> None:
    """moto stumbles over a principal "*" in a log bucket's policy, which every bucket for TLS alone has."""

    def permitted(target_bucket: Any, target_prefix: str | None) -> bool:
        document = json.loads(target_bucket.policy.decode()) if target_bucket.policy else {"Statement": []}
        bucket = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}"
        resources = {f"{bucket}/{target_prefix or ''}*", f"{bucket}/*", bucket}
        return any(
            one["Effect"] == "Allow"
            and isinstance(one.get("Principal"), dict)
            and "logging.s3.amazonaws.com" in _listed(one["Principal"].get("Service"))
            and "s3:PutObject" in _listed(one.get("Action"))
            and resources & set(_listed(one.get("Resource")))
            for one in document["Statement"]
        )

    lay(FakeBucket, _log_permissions_enabled_policy=staticmethod(permitted))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _trails() -> None:
    """moto tells of every trail whichever is asked for, and deletes none that is named by its ARN."""
    describe, delete = CloudTrailResponse.describe_trails, CloudTrailBackend.delete_trail

    @wraps(describe)
    def describe_trails(self: Any) -> str:
        told = json.loads(describe(self))
        if wanted := self._get_param("trailNameList"):
            told["trailList"] = [one for one in told["trailList"] if {one["Name"], one["TrailARN"]} & set(wanted)]
        return json.dumps(told)

    @wraps(delete)
    def delete_trail(self: Any, name: str) -> None:
        delete(self, name.rpartition("/")[2])

    lay(CloudTrailResponse, describe_trails=describe_trails)
    lay(CloudTrailBackend, delete_trail=delete_trail)
