"""Who may let a casino do more again: the right `loosen`, which the API server asks for (docs/adr/0034).

The CRD cannot see who asks, so this is an admission policy. Its table of acts is generated from the catalogue's.
"""

from typing import Any

from domicile_catalog.acts import GIVES, PAYING_OUT, Acts, State, listed

Manifest = dict[str, Any]

GROUP, PLURAL = "casino.domicile.dev", "casinotenants"
NAME = "domicile-tenants-loosen"
RECORDS, RECORD = "domicile-tenant-records", "casino-operation"
"""The policy on it, and the ConfigMap with the record of what may be done."""
TENANT_NAMESPACE = "casino-"
OPERATOR = "system:serviceaccount:domicile-system:domicile-operator"
VERB = "loosen"
OFFICER = "casino-licence-officer"
"""The ClusterRole that has the right (operators/deploy/licence-officer.yaml)."""


def policy() -> Manifest:
    """An update after which a tenant may do something that it might not before takes the right of its own.

    It reads no law and matches only updates: a tenant that is made begins with nothing, in its onboarding.
    """
    resources = {"apiGroups": [GROUP], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": [PLURAL]}
    may = f"authorizer.group('{GROUP}').resource('{PLURAL}').name(object.metadata.name).check('{VERB}').allowed()"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [resources]},
            "variables": [
                {"name": "gives", "expression": table()},
                {"name": "was", "expression": state_of("oldObject")},
                {"name": "becomes", "expression": state_of("object")},
                {"name": "before", "expression": acts_of("oldObject", "variables.was")},
                {"name": "after", "expression": acts_of("object", "variables.becomes")},
                {"name": "more", "expression": "variables.after.filter(act, !(act in variables.before))"},
            ],
            "validations": [
                {
                    "expression": f"size(variables.more) == 0 || {may}",
                    "messageExpression": "'LOOSENING_FORBIDDEN: from ' + variables.was + ' to ' + variables.becomes + "
                    f"' allows ' + variables.more.join(', ') + ' again, which takes the right {VERB} on {PLURAL}, and '"
                    f" + request.userInfo.username + ' has it not. {_REMEDY}'",
                    "message": f"LOOSENING_FORBIDDEN: this allows more than before, which takes the right {VERB} on "
                    f"{PLURAL}. {_REMEDY}",
                }
            ],
        },
    }


def record_policy() -> Manifest:
    """The record itself is the operator's: whoever else writes it opens a casino as surely as by its tenant.

    Deleting it opens nothing: the operator writes it anew, and the ledger keeps to what it was told last.
    """
    tenant = f"request.namespace.substring({len(TENANT_NAMESPACE)})"
    may = f"authorizer.group('{GROUP}').resource('{PLURAL}').name({tenant}).check('{VERB}').allowed()"
    rule = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
    said = f"RECORD_NOT_YOURS: {RECORD} is written by the operator, from spec.state, the licence and the law. {_REMEDY}"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": RECORDS},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule | {"resourceNames": [RECORD]}]},
            "matchConditions": [
                {"name": "of-a-tenant", "expression": f"request.namespace.startsWith('{TENANT_NAMESPACE}')"},
                {"name": "not-by-the-operator", "expression": f"request.userInfo.username != '{OPERATOR}'"},
            ],
            "validations": [{"expression": may, "message": said}],
        },
    }


_REMEDY = f"Have a licence officer apply it: who administers the cluster binds the ClusterRole {OFFICER}."


def table() -> str:
    """The catalogue's table as a CEL map from a state to the list of its acts."""
    return "{" + ", ".join(f"'{state}': {_list(gives)}" for state, gives in GIVES.items()) + "}"


def _list(acts: Acts) -> str:
    return "[" + ", ".join(f"'{act}'" for act in listed(acts)) + "]"


def state_of(of: str) -> str:
    """CEL: the state that a tenant asks for. One that says nothing asks for everything."""
    return f"has({of}.spec.state) ? {of}.spec.state : '{State.LIVE}'"


def acts_of(of: str, state: str) -> str:
    """CEL: what a tenant may do by its spec, as `domicile_catalog.acts.acts_of` has it."""
    leaves = f"has({of}.spec.suspension) && has({of}.spec.suspension.withdrawals) && {of}.spec.suspension.withdrawals"
    return f"{state} == '{State.SUSPENDED}' && {leaves} ? {_list(PAYING_OUT)} : variables.gives[{state}]"
