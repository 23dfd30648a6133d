"""What a disposable environment does without: a test's stacks can be destroyed whole, and leave nothing.

The components are written for an environment that keeps what it has; this loosens them from outside, in one place, so
that no component has two forms.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

LOOSENED: Mapping[str, Mapping[str, Any]] = {
    "aws:backup/vault:Vault": {"force_destroy": True},
    "aws:ecr/repository:Repository": {"force_delete": True},
    "aws:eks/cluster:Cluster": {"deletion_protection": False},
    "aws:kms/key:Key": {"deletion_window_in_days": 7},
    "aws:lb/loadBalancer:LoadBalancer": {"enable_deletion_protection": False},
    "aws:networkfirewall/firewall:Firewall": {
        "delete_protection": False,
        "firewall_policy_change_protection": False,
        "subnet_change_protection": False,
    },
    "aws:organizations/account:Account": {"close_on_deletion": True},
    "aws:rds/cluster:Cluster": {
        "deletion_protection": False,
        "skip_final_snapshot": True,
        "final_snapshot_identifier": None,
    },
    "aws:route53/zone:Zone": {"force_destroy": True},
    "aws:s3/bucket:Bucket": {"force_destroy": True},
}
"""By type, the arguments that would keep a resource from being deleted, and what they are instead."""


def make_disposable() -> None:
    """Have every resource that is declared from now on be one that can be destroyed."""
    pulumi.runtime.register_stack_transformation(_loosened)


def _loosened(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    props = {**args.props, **LOOSENED.get(args.type_, {})}
    options = pulumi.ResourceOptions.merge(args.opts, None)
    options.protect = options.retain_on_delete = None
    return pulumi.ResourceTransformationResult(props, options)
