"""The policy of the role that `domicile audit` takes on: the calls that it makes, and no other.

None of them returns what a resource holds: no object, no secret's value, no log line, no row.
"""

from typing import Any

from domicile_policies.audit_actions import ACTIONS


def audit_document() -> dict[str, Any]:
    """The policy of the audit's role."""
    statement = {"Sid": "ReadBackWhatExists", "Effect": "Allow", "Action": sorted(ACTIONS), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
