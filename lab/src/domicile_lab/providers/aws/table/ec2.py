"""Amazon EC2, in five files by what is made."""

from __future__ import annotations

from typing import Final

from domicile_lab.providers.aws.table import (
    _ec2_endpoints,
    _ec2_groups,
    _ec2_networks,
    _ec2_routes,
    _ec2_templates,
)

RESOURCES: Final = (
    *_ec2_networks.RESOURCES,
    *_ec2_routes.RESOURCES,
    *_ec2_groups.RESOURCES,
    *_ec2_endpoints.RESOURCES,
    *_ec2_templates.RESOURCES,
)
