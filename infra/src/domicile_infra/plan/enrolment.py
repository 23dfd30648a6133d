"""What GuardDuty looks at in every account of an organisation, and what it does not."""

from collections.abc import Mapping
from enum import StrEnum


class Enrols(StrEnum):
    """Whom a setting of the organisation is for, by GuardDuty's words."""

    ALL = "ALL"
    NONE = "NONE"


FEATURES: Mapping[str, Enrols] = {
    "S3_DATA_EVENTS": Enrols.ALL,
    "EKS_AUDIT_LOGS": Enrols.ALL,
    "RDS_LOGIN_EVENTS": Enrols.ALL,
    # Copies volumes into an account of AWS's to look into them: players' data would rest outside their cell's account.
    "EBS_MALWARE_PROTECTION": Enrols.NONE,
    # There is no Lambda function; and an agent on every node is for whoever runs the cluster to choose.
    "LAMBDA_NETWORK_LOGS": Enrols.NONE,
    "RUNTIME_MONITORING": Enrols.NONE,
}
"""Features by GuardDuty's names (API reference, OrganizationFeatureConfiguration). What is for nobody is said too:
AWS switches on by itself what a new detector is not told of.
"""
