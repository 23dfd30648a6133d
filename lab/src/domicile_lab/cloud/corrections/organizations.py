"""The organisation's own rules, which moto is laxer about than AWS: a policy that is not in force protects nothing."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.organizations.exceptions import ConstraintViolationException, PolicyTypeNotEnabledException
from moto.organizations.exceptions import OrganizationsClientError as OrganizationsError
from moto.organizations.models import (
    FakeDelegatedAdministrator,
    FakePolicy,
    FakeRoot,
    FakeServiceAccess,
    OrganizationsBackend,
)

from domicile_lab.cloud.corrections.overlay import lay

MAXIMUM_CHARACTERS = {"SERVICE_CONTROL_POLICY": 5120, "RESOURCE_CONTROL_POLICY": 5120, "TAG_POLICY": 10000}
"""Of a policy's content as it is sent (AWS Organizations quotas)."""

# Policy types that moto does not know.
MORE_TYPES = (
    "BACKUP_POLICY", "CHATBOT_POLICY", "DECLARATIVE_POLICY_EC2", "SECURITYHUB_POLICY", "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY", "BEDROCK_POLICY", "S3_POLICY", "NETWORK_SECURITY_DIRECTOR_POLICY", "GUARDDUTY_POLICY",
)  # fmt: skip

# Services that may have a delegated administrator and that moto does not know of.
MORE_ADMINISTERED = (
    "account.amazonaws.com", "backup.amazonaws.com", "cloudtrail.amazonaws.com", "config.amazonaws.com",
    "iam.amazonaws.com", "inspector2.amazonaws.com", "ipam.amazonaws.com",
    "member.org.stacksets.cloudformation.amazonaws.com",
    "ram.amazonaws.com", "securityhub.amazonaws.com", "sso.amazonaws.com",
)  # fmt: skip


# Services that may act in every account, and that moto does not know of.
MORE_TRUSTED = (
    "account.amazonaws.com", "config-multiaccountsetup.amazonaws.com", "malware-protection.guardduty.amazonaws.com",
    "securityhub.amazonaws.com",
)  # fmt: skip


def apply() -> None:
    """Lay these corrections over moto."""
    _policy_types()
    _policy_content()
    _attachments()
    _units()
    FakeDelegatedAdministrator.SUPPORTED_SERVICES = [
        *FakeDelegatedAdministrator.SUPPORTED_SERVICES,
        *MORE_ADMINISTERED,
    ]
    FakeServiceAccess.TRUSTED_SERVICES = [*FakeServiceAccess.TRUSTED_SERVICES, *MORE_TRUSTED]


def _policy_types() -> None:
    """Declarative policies are policies too."""
    types = list(dict.fromkeys([*FakePolicy.SUPPORTED_POLICY_TYPES, *MORE_TYPES]))
    FakePolicy.SUPPORTED_POLICY_TYPES = FakeRoot.SUPPORTED_POLICY_TYPES = types
    make = FakePolicy.__init__

    @wraps(make)
    def init(self: Any, organization: Any, **given: Any) -> None:
        kind = given.get("Type", "")
        if kind not in MORE_TYPES:
            make(self, organization, **given)
            return
        make(self, organization, **given | {"Type": "TAG_POLICY"})
        self.type = kind
        self._arn_format = f"arn:{{0}}:organizations::{{1}}:policy/{{2}}/{kind.lower()}/{{3}}"

    lay(FakePolicy, __init__=init)


def _policy_content() -> None:
    """A document beyond the quota is refused: a policy that is never in force protects nothing."""

    def check(kind: str, content: str | None) -> None:
        limit = MAXIMUM_CHARACTERS.get(kind)
        if content is not None and limit is not None and len(content) > limit:
            raise ConstraintViolationException(
                f"You have exceeded the allowed size of a policy: {len(content)} characters, of {limit}."
            )

    create, update = OrganizationsBackend.create_policy, OrganizationsBackend.update_policy

    @wraps(create)
    def create_policy(self: Any, **given: Any) -> Any:
        check(given.get("Type", ""), given.get("Content"))
        return create(self, **given)

    @wraps(update)
    def update_policy(self: Any, **given: Any) -> Any:
        check(self.get_policy_by_id(given["PolicyId"]).type, given.get("Content"))
        return update(self, **given)

    lay(OrganizationsBackend, create_policy=create_policy, update_policy=update_policy)


def _attachments() -> None:
    """Only a policy of a type that the root has enabled can be attached."""
    attach = OrganizationsBackend.attach_policy

    @wraps(attach)
    def attach_policy(self: Any, **given: Any) -> None:
        policy = self.get_policy_by_id(given["PolicyId"])
        root = next((one for one in self.ou if isinstance(one, FakeRoot)), None)
        enabled = [one["Type"] for one in root.policy_types] if root is not None else []
        # Those that come with every root, unit and account are there before a type is enabled.
        if not policy.aws_managed and policy.type not in enabled:
            raise PolicyTypeNotEnabledException
        attach(self, **given)

    lay(OrganizationsBackend, attach_policy=attach_policy)


def _units() -> None:
    """A unit that holds something cannot be deleted: its accounts would be under no policy."""
    delete = OrganizationsBackend.delete_organizational_unit

    @wraps(delete)
    def delete_organizational_unit(self: Any, **given: Any) -> None:
        unit = given["OrganizationalUnitId"]
        if any(one.parent_id == unit for one in [*self.accounts, *self.ou]):
            raise OrganizationsError(
                "OrganizationalUnitNotEmptyException",
                "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child "
                "OUs, and try the operation again.",
            )
        delete(self, **given)

    lay(OrganizationsBackend, delete_organizational_unit=delete_organizational_unit)
