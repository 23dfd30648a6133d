"""ValidatingAdmissionPolicies: the API server refuses what the catalogue forbids, whatever else runs or does not.

Pure: manifests as values. The law itself is no part of them. It comes as parameters, in the ConfigMap
`domicile-law`, which the operator keeps (`domicile_catalog.law_of_cell`); without it everything is refused.
"""

from typing import Any

from domicile_catalog import law_of_cell as law

Manifest = dict[str, Any]

GROUP, PLURAL = "casino.domicile.dev", "casinotenants"
TENANT, JURISDICTION, PLACE = "domicile.dev/tenant", "domicile.dev/jurisdiction", "domicile.dev/place"
NAMESPACE, LAW = "domicile-system", "domicile-law"
TENANT_NAMESPACE = "casino-"

TENANTS, NAMESPACES, WORKLOADS = "domicile-tenants", "domicile-tenant-namespaces", "domicile-tenant-workloads"


def manifests() -> list[Manifest]:
    """Every policy with its binding, in the order in which they are applied."""
    return [
        manifest
        for policy in (_tenants(), _namespaces(), _workloads())
        for manifest in (policy, _binding(policy["metadata"]["name"]))
    ]


def _policy(name: str, resources: list[Manifest], **spec: Any) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConstraints": {"resourceRules": resources},
            **spec,
        },
    }


def _binding(name: str) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "paramRef": {"name": LAW, "namespace": NAMESPACE, "parameterNotFoundAction": "Deny"},
            "validationActions": ["Deny"],
        },
    }


def _rule(groups: list[str], resources: list[str]) -> Manifest:
    return {
        "apiGroups": groups,
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
    }


def _variable(name: str, expression: str) -> Manifest:
    return {"name": name, "expression": expression}


def _validation(expression: str, message: str, spoken: str | None = None) -> Manifest:
    """`message` is what is said where `spoken`, a CEL expression for a better message, gives none."""
    return {"expression": expression, **({"messageExpression": spoken} if spoken else {}), "message": message}


def _key(part: str) -> str:
    return f"variables.code + '.{part}'"


def _tenants() -> Manifest:
    """A CasinoTenant that is not lawful here. An update is judged by what it changes, so that a tenant that the law
    has overtaken can still be tightened, renewed and deleted."""
    refused, products = _key(law.REFUSED), _key(law.PRODUCTS)
    return _policy(
        TENANTS,
        [_rule([GROUP], [PLURAL])],
        variables=[
            _variable("new", "request.operation == 'CREATE'"),
            _variable("code", "object.spec.jurisdiction"),
            _variable("known", f"{_key(law.NAME)} in params.data"),
            _variable("refused", f"variables.known && {refused} in params.data"),
            _variable("placed", f"variables.known && {products} in params.data"),
            _variable("offers", "variables.new || object.spec.products != oldObject.spec.products"),
            _variable(
                "unlicensed",
                f"!variables.placed ? [] : object.spec.products.filter(p, !(p in params.data[{products}].split(',')))",
            ),
            _variable("limited", "has(object.spec.limits)"),
            _variable(
                "limits",
                "variables.limited && (variables.new || !has(oldObject.spec.limits) || "
                "object.spec.limits != oldObject.spec.limits)",
            ),
            _variable(
                "renewed", "variables.new || object.spec.licence.validUntil != oldObject.spec.licence.validUntil"
            ),
        ],
        validations=[
            _validation(
                "!variables.new || variables.known",
                "JURISDICTION_UNKNOWN: the catalogue has no such jurisdiction.",
                "'JURISDICTION_UNKNOWN: the catalogue has no jurisdiction ' + variables.code + '.'",
            ),
            _validation(
                "!variables.offers || !variables.refused",
                "This tenant may not live in this cell.",
                f"string(params.data[{refused}])",
            ),
            _validation(
                "!variables.offers || !variables.known || variables.refused || size(variables.unlicensed) == 0",
                "PRODUCT_NOT_LICENSED: a product cannot be licensed here.",
                f"string(params.data[{refused} + '.' + variables.unlicensed[0]])",
            ),
            _limit("slotMaxStakeMinor", law.MAX_STAKE, "<=", "slot_max_stake"),
            _limit("minAgeYears", law.MIN_AGE, ">=", "min_age"),
            _limit("sessionIdleTimeoutSeconds", law.MAX_IDLE, "<=", "session_idle_minutes"),
            _validation(
                f"!variables.renewed || !variables.placed || "
                f"object.spec.licence.validUntil >= params.data[{_key(law.TODAY)}]",
                "LICENCE_EXPIRED: the licence has ended.",
                "'LICENCE_EXPIRED: licence ' + object.spec.licence.number + ' ended on ' + "
                "object.spec.licence.validUntil + '. Set spec.licence.validUntil to its last day.'",
            ),
        ],
    )


def _limit(limit: str, part: str, as_strict: str, fact: str) -> Manifest:
    """A tenant may be stricter than its jurisdiction, never laxer."""
    key = _key(part)
    return _validation(
        f"!variables.limits || !has(object.spec.limits.{limit}) || !({key} in params.data) || "
        f"object.spec.limits.{limit} {as_strict} int(params.data[{key}])",
        f"LIMIT_LAXER: {limit} is laxer than {fact} of the jurisdiction.",
        f"'LIMIT_LAXER: {limit} ' + string(object.spec.limits.{limit}) + ' is laxer than {fact} of ' + "
        f"params.data[{_key(law.NAME)}] + ', which is ' + params.data[{key}] + '. Set it to ' + params.data[{key}] + "
        "' or stricter, or leave it out.'",
    )


def _in_list(value: str, key: str) -> str:
    return f"{value} in params.data.{key}.split(',')"


_NAMED = [{"name": "a-tenants-namespace", "expression": f"object.metadata.name.startsWith('{TENANT_NAMESPACE}')"}]
_INSIDE = [{"name": "in-a-tenants-namespace", "expression": f"request.namespace.startsWith('{TENANT_NAMESPACE}')"}]


def _namespaces() -> Manifest:
    """A tenant's namespace names its tenant, and a jurisdiction and a place of this cell; where it rests is fixed."""
    fixed = " && ".join(
        f"object.metadata.labels['{label}'] == oldObject.metadata.labels['{label}']"
        for label in (TENANT, JURISDICTION, PLACE)
    )
    return _policy(
        NAMESPACES,
        [_rule([""], ["namespaces"])],
        matchConditions=_NAMED,
        variables=[
            _variable("labelled", _labelled("object")),
            _variable("was", f"request.operation == 'UPDATE' && {_labelled('oldObject')}"),
        ],
        validations=[
            _validation(
                "variables.labelled",
                f"NAMESPACE_UNLABELLED: the namespace of a tenant has the labels {TENANT}, {JURISDICTION} and {PLACE}.",
            ),
            _validation(
                f"!variables.labelled || object.metadata.name == '{TENANT_NAMESPACE}' + "
                f"object.metadata.labels['{TENANT}']",
                f"NAMESPACE_MISNAMED: the namespace of a tenant is {TENANT_NAMESPACE} and the tenant's name.",
            ),
            _validation(
                f"!variables.labelled || {_in_list(_label('object', PLACE), law.PLACES)}",
                "WRONG_CELL: this cell does not stand in the place that the namespace names.",
                f"'WRONG_CELL: the cell ' + params.data.{law.CELL} + ' stands in ' + params.data.{law.PLACES} + "
                f"', and not in ' + {_label('object', PLACE)} + '.'",
            ),
            _validation(
                f"!variables.labelled || request.operation == 'UPDATE' || "
                f"{_in_list(_label('object', JURISDICTION), law.SERVED)}",
                "NOT_SERVED: this cell may not serve the jurisdiction that the namespace names.",
                f"'NOT_SERVED: the cell ' + params.data.{law.CELL} + ' may serve ' + params.data.{law.SERVED} + "
                f"', and not ' + {_label('object', JURISDICTION)} + '.'",
            ),
            _validation(
                f"!variables.was || (variables.labelled && {fixed})",
                "NAMESPACE_FIXED: the labels of a tenant's namespace cannot change: its records rest where they say.",
            ),
        ],
    )


def _label(of: str, label: str) -> str:
    return f"{of}.metadata.labels['{label}']"


def _labelled(of: str) -> str:
    labels = f"has({of}.metadata.labels)"
    return " && ".join([labels, *(f"'{label}' in {of}.metadata.labels" for label in (TENANT, JURISDICTION, PLACE))])


def _workloads() -> Manifest:
    """What runs in a tenant's namespace is that tenant's, in a place of this cell."""
    same = " && ".join(
        f"{_label('object', label)} == {_label('namespaceObject', label)}" for label in (TENANT, JURISDICTION, PLACE)
    )
    return _policy(
        WORKLOADS,
        [
            _rule([""], ["pods", "replicationcontrollers"]),
            _rule(["apps"], ["deployments", "statefulsets", "daemonsets", "replicasets"]),
            _rule(["batch"], ["jobs", "cronjobs"]),
        ],
        matchConditions=_INSIDE,
        variables=[
            _variable("labelled", _labelled("object")),
            _variable("home", _labelled("namespaceObject")),
        ],
        validations=[
            _validation(
                "variables.labelled",
                f"WORKLOAD_UNLABELLED: what runs for a tenant has the labels {TENANT}, {JURISDICTION} and {PLACE}.",
            ),
            _validation(
                f"!variables.labelled || {_in_list(_label('object', PLACE), law.PLACES)}",
                "WRONG_CELL: this cell does not stand in the place that the workload names.",
                f"'WRONG_CELL: the cell ' + params.data.{law.CELL} + ' stands in ' + params.data.{law.PLACES} + "
                f"', and not in ' + {_label('object', PLACE)} + '.'",
            ),
            _validation(
                f"!variables.labelled || (variables.home && {same})",
                "WRONG_NAMESPACE: the workload names another tenant, jurisdiction or place than its namespace.",
            ),
        ],
    )
