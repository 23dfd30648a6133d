"""The role that the organisation's stack makes for the audit may make the calls that the audit makes."""

from fnmatch import fnmatchcase

from domicile_audit.cloud.actions import ACTIONS
from domicile_audit.cloud.client import DEFAULT_ROLE
from domicile_infra.plan.audit_reads import audit_document
from domicile_infra.plan.persona_documents import AUDIT_ROLE


def test_every_call_of_the_audit_is_allowed_to_its_role() -> None:
    (statement,) = audit_document()["Statement"]
    assert {one for one in ACTIONS if not any(fnmatchcase(one, allowed) for allowed in statement["Action"])} == set()


def test_the_audit_takes_on_the_role_that_is_made_for_it() -> None:
    assert DEFAULT_ROLE == AUDIT_ROLE
