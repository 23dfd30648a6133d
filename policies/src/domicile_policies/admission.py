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
            _variable(
                "added",
                "variables.new ? object.spec.products : "
                "object.spec.products.filter(p, !(p in oldObject.spec.products))",
            ),
            _variable(
                "unlicensed",
                f"!variables.placed ? [] : variables.added.filter(p, !(p in params.data[{products}].split(',')))",
            ),
            _variable(
                "renewed", "variables.new || object.spec.licence.validUntil != oldObject.spec.licence.validUntil"
            ),
        ],
        validations=[
            _validation(
                f"!variables.new || timestamp(params.data.{law.VALID}) >= "
                "timestamp(string(object.metadata.creationTimestamp))",
                "LAW_STALE: nobody has told this cell the law for a day: see that the operator runs, and what it logs.",
            ),
            _validation(
                "!variables.new || variables.known",
                "JURISDICTION_UNKNOWN: the catalogue has no such jurisdiction.",
                "'JURISDICTION_UNKNOWN: the catalogue has no jurisdiction ' + variables.code + '.'",
            ),
            _validation(
                "size(variables.added) == 0 || !variables.refused",
                "This tenant may not live in this cell.",
                f"string(params.data[{refused}])",
            ),
            _validation(
                "variables.refused || size(variables.unlicensed) == 0",
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
    """A tenant may be stricter than its jurisdiction, never laxer; a limit that does not change is not judged anew."""
    key, path = _key(part), f"spec.limits.{limit}"
    unchanged = f"!variables.new && has(oldObject.spec.limits) && has(oldObject.{path}) && "
    return _validation(
        f"!has(object.spec.limits) || !has(object.{path}) || !({key} in params.data) || "
        f"({unchanged}object.{path} == oldObject.{path}) || object.{path} {as_strict} int(params.data[{key}])",
        f"LIMIT_LAXER: {limit} is laxer than {fact} of the jurisdiction.",
        f"'LIMIT_LAXER: {limit} ' + string(object.{path}) + ' is laxer than {fact} of ' + "
        f"params.data[{_key(law.NAME)}] + ', which is ' + params.data[{key}] + '. Set it to ' + params.data[{key}] + "
        "' or stricter, or leave it out.'",
    )


def _in_list(value: str, key: str) -> str:
    return f"{value} in params.data.{key}.split(',')"


_LABELS = (TENANT, JURISDICTION, PLACE)


def _namespaces() -> Manifest:
    """A tenant's namespace names its tenant, and a jurisdiction and a place of this cell; where it rests is fixed."""
    name = f"object.metadata.name.startsWith('{TENANT_NAMESPACE}')"
    return _policy(
        NAMESPACES,
        [_rule([""], ["namespaces", "namespaces/status", "namespaces/finalize"])],
        matchConditions=[{"name": "a-tenants-namespace", "expression": f"{name} || {_carries_a_label('object')}"}],
        variables=[
            _variable("labelled", _labelled("object")),
            _variable("old", "request.operation == 'UPDATE' && has(oldObject.metadata.labels)"),
            _variable("served", f"variables.old && '{JURISDICTION}' in oldObject.metadata.labels"),
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
            _in_this_cell("namespace"),
            # One that has its jurisdiction already is not judged anew: the law may have moved on since.
            _validation(
                f"!variables.labelled || variables.served || {_in_list(_label('object', JURISDICTION), law.SERVED)}",
                "NOT_SERVED: this cell may not serve the jurisdiction that the namespace names.",
                f"'NOT_SERVED: the cell ' + params.data.{law.CELL} + ' may serve ' + params.data.{law.SERVED} + "
                f"', and not ' + {_label('object', JURISDICTION)} + '.'",
            ),
            *(_fixed(label) for label in _LABELS),
        ],
    )


def _in_this_cell(what: str) -> Manifest:
    return _validation(
        f"!variables.labelled || {_in_list(_label('object', PLACE), law.PLACES)}",
        f"WRONG_CELL: this cell does not stand in the place that the {what} names.",
        f"'WRONG_CELL: the cell ' + params.data.{law.CELL} + ' stands in ' + params.data.{law.PLACES} + "
        f"', and not in ' + {_label('object', PLACE)} + '.'",
    )


def _fixed(label: str) -> Manifest:
    kept = f"has(object.metadata.labels) && '{label}' in object.metadata.labels"
    return _validation(
        f"!variables.old || !('{label}' in oldObject.metadata.labels) || "
        f"({kept} && {_label('object', label)} == {_label('oldObject', label)})",
        f"NAMESPACE_FIXED: the label {label} of a tenant's namespace cannot change: its records rest where it says.",
    )


def _carries_a_label(of: str) -> str:
    any_of_them = " || ".join(f"'{label}' in {of}.metadata.labels" for label in _LABELS)
    return f"(has({of}.metadata.labels) && ({any_of_them}))"


def _label(of: str, label: str) -> str:
    return f"{of}.metadata.labels['{label}']"


def _labelled(of: str) -> str:
    labels = f"has({of}.metadata.labels)"
    return " && ".join([labels, *(f"'{label}' in {of}.metadata.labels" for label in _LABELS)])


_WORKLOADS = {
    "": ["pods", "replicationcontrollers"],
    "apps": ["deployments", "statefulsets", "daemonsets", "replicasets"],
    "batch": ["jobs", "cronjobs"],
}


def _workloads() -> Manifest:
    """What runs in a tenant's namespace carries that tenant's labels, and a place of this cell.

    Labels alone: who may make pods, of which image and under which service account, is for RBAC and for the namespace's
    Pod Security level.
    """
    rules = [
        _rule([group], [part for kind in kinds for part in (kind, f"{kind}/status")])
        for group, kinds in _WORKLOADS.items()
    ]
    rules.append(_rule([""], ["pods/ephemeralcontainers", "pods/resize", "pods/binding", "bindings"]))
    same = " && ".join(f"{_label('object', label)} == {_label('namespaceObject', label)}" for label in _LABELS)
    inside = f"request.namespace.startsWith('{TENANT_NAMESPACE}')"
    return _policy(
        WORKLOADS,
        rules,
        matchConditions=[{"name": "of-a-tenant", "expression": f"{inside} || {_carries_a_label('object')}"}],
        variables=[
            # A binding's labels are laid over its pod's.
            _variable("binding", "request.kind.kind == 'Binding'"),
            _variable("labelled", f"!variables.binding && {_labelled('object')}"),
            _variable("home", _labelled("namespaceObject")),
        ],
        validations=[
            _validation(
                f"!variables.binding || !{_carries_a_label('object')}",
                "BINDING_LABELLED: a binding must not put a tenant's labels on a pod.",
            ),
            _validation(
                "variables.binding || variables.labelled",
                f"WORKLOAD_UNLABELLED: what runs for a tenant has the labels {TENANT}, {JURISDICTION} and {PLACE}.",
            ),
            _in_this_cell("workload"),
            _validation(
                f"!variables.labelled || (variables.home && {same})",
                "WRONG_NAMESPACE: the workload names another tenant, jurisdiction or place than its namespace.",
            ),
        ],
    )
