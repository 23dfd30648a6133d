"""ValidatingAdmissionPolicies: the API server refuses what the catalogue forbids, whatever else runs or does not.

Pure: manifests as values. The law itself is no part of them. It comes as parameters, in the ConfigMap
`domicile-law`, which the operator keeps (`domicile_catalog.law_of_cell`); without it everything of a tenant is refused.

The API server looks for the parameters of whatever a policy's constraints match, before it reads a policy's
conditions. So the policies with parameters match by kind and label what is a tenant's and nothing else: a cluster
whose operator has not started yet, or has lost the law, goes on working. What needs no law has policies without it.
"""

from typing import Any

from domicile_catalog import law_of_cell as law

from domicile_policies import loosening

Manifest = dict[str, Any]

GROUP, PLURAL = "casino.domicile.dev", "casinotenants"
TENANT, JURISDICTION, PLACE = "domicile.dev/tenant", "domicile.dev/jurisdiction", "domicile.dev/place"
NAMESPACE, LAW = "domicile-system", "domicile-law"
TENANT_NAMESPACE = "casino-"

TENANTS, NAMESPACES, WORKLOADS = "domicile-tenants", "domicile-tenant-namespaces", "domicile-tenant-workloads"
LAWFUL_NAMESPACES, LAWFUL_WORKLOADS = f"{NAMESPACES}-law", f"{WORKLOADS}-law"


def manifests() -> list[Manifest]:
    """Every policy with its binding, in the order in which they are applied."""
    policies = (
        _tenants(),
        loosening.policy(),
        loosening.record_policy(),
        _namespaces(),
        _lawful_namespaces(),
        _workloads(),
        _lawful_workloads(),
    )
    return [manifest for policy in policies for manifest in (policy, _binding(policy))]


def _policy(name: str, resources: list[Manifest], **spec: Any) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": resources}, **spec},
    }


def _lawful(name: str, resources: list[Manifest], *, labelled: bool = True, **spec: Any) -> Manifest:
    """A policy that reads the law; with `labelled`, on what has a tenant's label now or had it."""
    policy = _policy(name, resources, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}, **spec)
    if labelled:
        of_a_tenant = {"matchExpressions": [{"key": TENANT, "operator": "Exists"}]}
        policy["spec"]["matchConstraints"]["objectSelector"] = of_a_tenant
    return policy


def _binding(policy: Manifest) -> Manifest:
    name = policy["metadata"]["name"]
    law_of_cell = {"name": LAW, "namespace": NAMESPACE, "parameterNotFoundAction": "Deny"}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            **({"paramRef": law_of_cell} if "paramKind" in policy["spec"] else {}),
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
    return _lawful(
        TENANTS,
        [_rule([GROUP], [PLURAL])],
        labelled=False,
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


_NAMESPACES = _rule([""], ["namespaces", "namespaces/status", "namespaces/finalize"])


def _namespaces() -> Manifest:
    """A tenant's namespace names its tenant, a jurisdiction and a place; where it rests is fixed."""
    name = f"object.metadata.name.startsWith('{TENANT_NAMESPACE}')"
    return _policy(
        NAMESPACES,
        [_NAMESPACES],
        matchConditions=[{"name": "a-tenants-namespace", "expression": f"{name} || {_carries_a_label('object')}"}],
        variables=[
            _variable("labelled", _labelled("object")),
            _OLD_LABELS,
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
            *(_fixed(label) for label in _LABELS),
        ],
    )


_OLD_LABELS = _variable("old", "request.operation == 'UPDATE' && has(oldObject.metadata.labels)")


def _lawful_namespaces() -> Manifest:
    """A tenant's namespace names a jurisdiction and a place of this cell."""
    return _lawful(
        LAWFUL_NAMESPACES,
        [_NAMESPACES],
        variables=[
            _variable("labelled", _labelled("object")),
            _OLD_LABELS,
            _variable("served", f"variables.old && '{JURISDICTION}' in oldObject.metadata.labels"),
        ],
        validations=[
            _in_this_cell("namespace"),
            # One that has its jurisdiction already is not judged anew: the law may have moved on since.
            _validation(
                f"!variables.labelled || variables.served || {_in_list(_label('object', JURISDICTION), law.SERVED)}",
                "NOT_SERVED: this cell may not serve the jurisdiction that the namespace names.",
                f"'NOT_SERVED: the cell ' + params.data.{law.CELL} + ' may serve ' + params.data.{law.SERVED} + "
                f"', and not ' + {_label('object', JURISDICTION)} + '.'",
            ),
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


_WORKLOAD_RULES = [
    _rule([group], [part for kind in kinds for part in (kind, f"{kind}/status")]) for group, kinds in _WORKLOADS.items()
]


def _workloads() -> Manifest:
    """What runs in a tenant's namespace carries that tenant's labels.

    Labels alone: who may make pods, of which image and under which service account, is for RBAC and for the namespace's
    Pod Security level.
    """
    parts = ["pods/ephemeralcontainers", "pods/resize", "pods/binding", "bindings"]
    same = " && ".join(f"{_label('object', label)} == {_label('namespaceObject', label)}" for label in _LABELS)
    inside = f"request.namespace.startsWith('{TENANT_NAMESPACE}')"
    return _policy(
        WORKLOADS,
        [*_WORKLOAD_RULES, _rule([""], parts)],
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
            _validation(
                f"!variables.labelled || (variables.home && {same})",
                "WRONG_NAMESPACE: the workload names another tenant, jurisdiction or place than its namespace.",
            ),
        ],
    )


def _lawful_workloads() -> Manifest:
    """What runs for a tenant names a place of this cell."""
    return _lawful(
        LAWFUL_WORKLOADS,
        _WORKLOAD_RULES,
        variables=[_variable("labelled", _labelled("object"))],
        validations=[_in_this_cell("workload")],
    )
