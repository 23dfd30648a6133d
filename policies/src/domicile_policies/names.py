"""The names by which the parts know each other's work, each written once: tags, accounts, units, roles.

What the organisation's stack makes under a name, its policies exempt, the audit takes on and the rules on a plan ask
for by the same.
"""

from enum import StrEnum

PROJECT = "domicile"
"""Pulumi's project: the one of Pulumi.yaml."""
ENVIRONMENT_SETTING, CELL_SETTING = f"{PROJECT}:environment", f"{PROJECT}:cell"
"""What a stack's own file says, by its full keys."""

ENVIRONMENT_TAG, CELL_TAG, TENANT_TAG = "domicile:environment", "domicile:cell", "domicile:tenant"
JURISDICTION_TAG, CLASS_TAG, OWNER_TAG = "domicile:jurisdiction", "domicile:data-class", "domicile:owner"
TAG_KEYS = (ENVIRONMENT_TAG, CELL_TAG, TENANT_TAG, JURISDICTION_TAG, CLASS_TAG, OWNER_TAG)
"""The tags that no taggable resource may lack."""

AND = "+"
"""What joins several data classes, or jurisdictions, in one tag."""
NONE = "none"
"""What stands in a tag for no jurisdiction, and for no data."""


class AccountRole(StrEnum):
    """What an account of the organisation is for."""

    CELL = "cell"
    LOG_ARCHIVE = "log_archive"
    SECURITY = "security"
    SHARED_SERVICES = "shared_services"
    MANAGEMENT = "management"


SECURITY, SHARED_SERVICES = "security", "shared-services"
"""The organisation's own accounts, by their names in a plan."""
LOG_ARCHIVE = "log-archive-"
"""How the name of the account begins that a zone's logs are kept in; the zone's follows."""
CORE = "core"
"""The unit of the organisation's own accounts."""

ACCESS_ROLE = "OrganizationAccountAccessRole"
"""The role that AWS makes in an account of the organisation for its management account."""
DEPLOYER_ROLE = "domicile-deployer"
AUDIT_ROLE = "domicile-audit"
PLATFORM_ROLE = "domicile-platform"
COMPLIANCE_ROLE = "domicile-compliance"
REGULATOR_ROLE = "domicile-regulator"
BREAK_GLASS_ROLE = "domicile-break-glass"
BOUNDARY = "domicile-boundary"
"""The policy that bounds every role that is made in an account."""
PLATFORM = "domicile-"
"""How the names of the platform's own roles, policies and event rules begin."""
CELL_ROLE = "domicile-cell-"
"""How the names of roles begin that a cell's services and service accounts take: the deployer makes them."""
BACKUP_ROLE = f"{CELL_ROLE}backup-"
"""How the name of the role begins that AWS Backup takes in a cell."""
