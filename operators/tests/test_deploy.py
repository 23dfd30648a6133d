"""The manifests of deploy/: what they promise each other and the code."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from domicile_catalog import Act, State
from domicile_operator import conditions, names, status
from domicile_operator.backups.deciding import COMPLETE, PHASES
from domicile_operator.certificates.objects import NO_BACKEND
from domicile_operator.clients.kube import PLURALS
from domicile_operator.handlers import BACKUPS, LEASES, WATCHED
from domicile_operator.manifests import namespace, network
from domicile_operator.plan import SIZES
from domicile_operator.spec import Backups, Licence, Limits, Product, Suspension, TenantSpec
from operator_testkit.samples import plan

DEPLOY = Path(__file__).parents[1] / "deploy"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


CRD = documents("crd.yaml")[0]
VERSION = CRD["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
SPEC, STATUS = SCHEMA["properties"]["spec"], SCHEMA["properties"]["status"]

_BACKUP_CRD = documents("crd-backups.yaml")[0]["spec"]
BACKUP = {
    "type": "object",
    "properties": {
        part: _BACKUP_CRD["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part] for part in ("spec", "status")
    },
}


def test_a_backups_schema_and_the_code_have_the_same_words() -> None:
    assert (_BACKUP_CRD["names"]["kind"], _BACKUP_CRD["names"]["plural"]) == (names.BACKUP_KIND, names.BACKUP_PLURAL)
    told = BACKUP["properties"]["status"]["properties"]
    assert told["phase"]["enum"] == list(PHASES)
    condition = told["conditions"]["items"]["properties"]
    assert condition["type"]["enum"] == [COMPLETE] and condition["message"]["maxLength"] == conditions.MESSAGE_LIMIT


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


def test_the_crd_is_the_one_that_the_code_asks_for() -> None:
    spec = CRD["spec"]
    assert (spec["group"], VERSION["name"], spec["names"]["plural"]) == (names.GROUP, names.VERSION, names.PLURAL)
    assert (spec["names"]["kind"], spec["names"]["shortNames"], spec["scope"]) == (names.KIND, ["casino"], "Cluster")
    assert VERSION["subresources"] == {"status": {}}


def test_every_value_is_bounded() -> None:
    for path, node in [*nodes(SPEC, "spec"), *nodes(STATUS, "status"), *nodes(BACKUP, "backup")]:
        assert "x-kubernetes-preserve-unknown-fields" not in node, path
        match node["type"]:
            case "string":
                assert "maxLength" in node or "enum" in node or node.get("format") == "date-time", path
            case "integer":
                assert "minimum" in node, path
            case "array":
                assert "maxItems" in node, path
            case "object":
                assert "additionalProperties" not in node, path


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        (TenantSpec, SPEC),
        (Licence, SPEC["properties"]["licence"]),
        (Limits, SPEC["properties"]["limits"]),
        (Suspension, SPEC["properties"]["suspension"]),
        (Backups, SPEC["properties"]["backups"]),
    ],
)
def test_schema_and_typed_spec_have_the_same_fields(model: Any, schema: dict[str, Any]) -> None:
    fields = {field.alias: field for field in model.model_fields.values()}
    assert set(fields) == set(schema["properties"])
    assert {name for name, field in fields.items() if field.is_required()} == set(schema.get("required", []))


def test_schema_and_code_have_the_same_words() -> None:
    properties = SPEC["properties"]
    assert tuple(properties["products"]["items"]["enum"]) == get_args(Product)
    assert properties["size"]["enum"] == list(SIZES)
    condition = STATUS["properties"]["conditions"]["items"]["properties"]
    assert tuple(condition["type"]["enum"]) == conditions.TYPES
    assert condition["message"]["maxLength"] == conditions.MESSAGE_LIMIT
    assert STATUS["properties"]["children"]["maxItems"] == status.CHILDREN_LIMIT
    assert STATUS["properties"]["state"]["enum"] == list(status.STATES)
    assert properties["state"]["enum"] == list(State) and properties["state"]["default"] == State.LIVE
    assert STATUS["properties"]["operation"]["properties"]["acts"]["items"]["enum"] == sorted(Act)


RULES = [rule for document in documents("rbac.yaml") for rule in document.get("rules", [])]


def test_no_right_is_a_wildcard_or_a_way_up() -> None:
    for rule in RULES:
        assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
        assert not {"secrets", "pods", "pods/exec", "roles", "clusterroles", "serviceaccounts/token"} & set(
            rule["resources"]
        )


def test_the_operator_may_do_what_it_does_and_watch_what_it_watches() -> None:
    def verbs(group: str, plural: str) -> set[str]:
        return {v for r in RULES if group in r["apiGroups"] and plural in r["resources"] for v in r["verbs"]}

    for (api_version, kind), (plural, _) in PLURALS.items():
        group = api_version.split("/")[0] if "/" in api_version else ""
        if kind == "Event":
            assert verbs(group, plural) == {"create"}
        elif kind == "EndpointSlice":
            assert verbs(group, plural) == {"list", "watch"}
            assert (group, "v1", plural) in WATCHED
        elif kind == "StorageClass":
            assert verbs(group, plural) == {"get"}
        elif kind == "Lease":
            assert verbs(group, plural) == {"get", "list", "watch", "update"}
            assert (group, "v1", plural) == LEASES
        elif kind == "PersistentVolumeClaim":
            assert verbs(group, plural) == {"get", "list", "watch", "create", "patch"}
            assert (group, "v1", plural) in WATCHED
        elif kind == names.BACKUP_KIND:
            assert verbs(group, plural) == {"get", "list", "watch", "create", "delete"}
            assert (group, api_version.split("/")[-1], plural) == BACKUPS
        elif kind == names.KIND:
            assert verbs(group, plural) == {"get", "list", "watch", "patch"}
        else:
            assert verbs(group, plural) == {"get", "list", "watch", "create", "patch", "delete"}
            assert (group, api_version.split("/")[-1], plural) in WATCHED


def test_the_admission_policy_covers_every_kind_that_the_operator_writes() -> None:
    policy = documents("admission.yaml")[0]["spec"]
    (rule,) = policy["matchConstraints"]["resourceRules"]
    others = (names.KIND, names.BACKUP_KIND, "Event", "EndpointSlice", "StorageClass")
    written = {p for (_, kind), (p, _) in PLURALS.items() if kind not in others}
    assert set(rule["resources"]) == written
    assert policy["failurePolicy"] == "Fail"


def test_the_right_to_loosen_is_the_officers_alone_and_nobody_is_bound_to_it() -> None:
    (officer,) = documents("licence-officer.yaml")
    (rule,) = officer["rules"]
    assert (rule["apiGroups"], rule["resources"]) == ([names.GROUP], [names.PLURAL]) and "loosen" in rule["verbs"]
    assert not any("loosen" in rule["verbs"] for rule in RULES)
    policies = {
        d["metadata"]["name"]: d["spec"] for d in documents("tenant-admission.yaml") if "variables" in d["spec"]
    }
    said = policies["domicile-tenants-loosen"]["validations"][0]["message"]
    assert officer["metadata"]["name"] in said


def test_the_operators_pod_is_as_restricted_as_its_namespace_asks() -> None:
    (deployment,) = documents("deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert deployment["spec"]["replicas"] == 2 and deployment["spec"]["strategy"]["type"] == "RollingUpdate"
    assert container["image"] == "domicile-operator:unset"
    assert {"name": "CASINO_IMAGE", "value": "casino:unset"} in container["env"]


def test_the_operator_reaches_the_casinos_that_it_asks_for_their_rules_and_they_let_it_in() -> None:
    own = next(d for d in documents("networkpolicy.yaml") if d["metadata"]["name"] == "domicile-operator")["spec"]
    (out,) = [rule for rule in own["egress"] if rule["ports"] == [{"protocol": "TCP", "port": 8080}]]
    (to,) = out["to"]
    labels = namespace.namespace(plan())["metadata"]["labels"]
    assert to["namespaceSelector"]["matchLabels"].items() <= labels.items()
    (let_in,) = next(p for p in network.network_policies(plan()) if p["metadata"]["name"] == "casino")["spec"][
        "ingress"
    ][1]["from"]
    (deployment,) = documents("deployment.yaml")
    assert let_in["podSelector"]["matchLabels"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert let_in["podSelector"] == own["podSelector"]


@pytest.mark.parametrize("folder", [DEPLOY, DEPLOY / "aws", DEPLOY / "certificates"], ids=lambda folder: folder.name)
def test_every_manifest_is_in_the_kustomization(folder: Path) -> None:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(kustomization["resources"]) == {p.name for p in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_what_makes_the_first_logins_is_as_restricted_as_the_operator_and_has_another_account() -> None:
    (job,) = [one for one in yaml.safe_load_all((DEPLOY / "aws" / "logins.yaml").read_text()) if one["kind"] == "Job"]
    pod, (deployment,) = job["spec"]["template"]["spec"], documents("deployment.yaml")
    operator = deployment["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == names.LOGINS_ROLE != operator["serviceAccountName"]
    assert pod["automountServiceAccountToken"] is False and pod["securityContext"] == operator["securityContext"]
    (container,), (theirs,) = pod["containers"], operator["containers"]
    assert container["securityContext"] == theirs["securityContext"] and container["image"] == theirs["image"]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounts.items() <= {one["name"]: one["mountPath"] for one in theirs["volumeMounts"]}.items()


def test_what_has_certificates_signed_is_as_restricted_and_writes_where_the_ingress_controller_is() -> None:
    (deployment,), (ours,) = documents("certificates/deployment.yaml"), documents("deployment.yaml")
    pod, operator = deployment["spec"]["template"]["spec"], ours["spec"]["template"]["spec"]
    assert (
        pod["serviceAccountName"] == names.CERTIFICATES_ROLE and pod["securityContext"] == operator["securityContext"]
    )
    (container,), (theirs,) = pod["containers"], operator["containers"]
    assert container["securityContext"] == theirs["securityContext"] and container["image"] == theirs["image"]
    for document in documents("certificates/rbac.yaml"):
        verbs = {verb for rule in document.get("rules", []) for verb in rule["verbs"]}
        assert "*" not in verbs
        if document["kind"] == "ClusterRole":
            assert verbs == {"list"} and not any("secrets" in rule["resources"] for rule in document["rules"])
    (service,) = documents("certificates/ingress.yaml")
    assert service["metadata"]["name"] == NO_BACKEND and "selector" not in service["spec"]


def test_nothing_names_a_machine() -> None:
    said = subprocess.run(["grep", "-rnE", "/(work|root|home)/", DEPLOY], capture_output=True, text=True, check=False)
    assert said.stdout == ""


def test_every_name_in_a_schema_is_text() -> None:
    """YAML 1.1 takes `off` and `no` for false."""

    def names(schema: Any) -> Iterator[Any]:
        if isinstance(schema, dict):
            yield from schema
            for inner in schema.values():
                yield from names(inner)
        elif isinstance(schema, list):
            for inner in schema:
                yield from names(inner)

    for file in ("crd.yaml", "crd-backups.yaml"):
        found = list(names(yaml.safe_load((DEPLOY / file).read_text())))
        assert found and all(isinstance(one, str) for one in found), file
