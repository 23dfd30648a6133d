"""The Kubernetes provider on a real API server, through the real engine. Needs DOMICILE_TOOLS.

There is an API server and nothing else: no controller rolls a Deployment out or empties a namespace. Where a test
waits for one, it plays the controller's part.
"""

import base64
import itertools
import json
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine_testkit import Project
from operator_testkit.servers import Cluster

NUMBERS = itertools.count(1)
DEPLOY = Path(__file__).parents[3] / "operators" / "deploy"
HEAD = """
import pathlib, pulumi, yaml
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

NAMESPACE = "{namespace}"
provider = k8s.Provider("cell", kubeconfig=pathlib.Path("kubeconfig").read_text(), namespace=NAMESPACE{arguments})
opts = ResourceOptions(provider=provider)

def having(**more):
    return ResourceOptions.merge(opts, ResourceOptions(**more))

"""


class Stack:
    """A stack with a provider for the cluster and a namespace of its own, which is the provider's default."""

    def __init__(self, folder: Path, cluster: Cluster, kubeconfig: str) -> None:
        self.cluster, self.namespace = cluster, f"trial-{next(NUMBERS)}"
        cluster.kubectl("create", "namespace", self.namespace)
        self.project = Project(folder, "")
        self.project.write("infra/kubeconfig", kubeconfig)

    def program(self, text: str, arguments: str = "") -> None:
        arguments = f", {arguments}" if arguments else ""
        head = HEAD.format(namespace=self.namespace, arguments=arguments)
        self.project.program(head + textwrap.dedent(text))

    def up(self, text: str | None = None, *, arguments: str = "", fails: bool = False) -> str:
        if text is not None:
            self.program(text, arguments)
        return self.project.pulumi("up", "--yes", "--skip-preview", fails=fails)

    def preview(
        self, text: str | None = None, *, arguments: str = "", fails: bool = False, extra: str = "--diff"
    ) -> str:
        if text is not None:
            self.program(text, arguments)
        return self.project.pulumi("preview", "--diff", fails=fails)

    def unchanged(self) -> None:
        self.project.pulumi("preview", "--expect-no-changes")

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.project.pulumi("stack", "output", "--json", "--show-secrets"))
        return found

    def kubectl(self, *arguments: str, **options: Any) -> str:
        return self.cluster.kubectl(f"--namespace={self.namespace}", *arguments, **options)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--output=json"))
        return found

    def items(self, kinds: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kinds, "--output=json"))["items"]
        return found


@pytest.fixture
def stack(tmp_path: Path, cluster: Cluster) -> Stack:
    return Stack(tmp_path, cluster, cluster.kubeconfig("admin", cluster.admin_token).read_text())


def soon(check: Callable[[], Any]) -> None:
    until = time.monotonic() + 20
    while not check():
        assert time.monotonic() < until
        time.sleep(0.1)


MANY = """
metadata = {"namespace": NAMESPACE}
labels = {"app": "x"}
map = k8s.core.v1.ConfigMap("auto", metadata=metadata, data={"key": "value", "a.b": "c"}, opts=opts)
secret = k8s.core.v1.Secret("secret", metadata={"name": "secret"}, string_data={"word": "swordfish"}, opts=opts)
container = {
    "name": "c", "image": "i:1", "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}},
    "ports": [{"container_port": 80}], "args": ["--one", "--two"],
    "env": [{"name": "WORD", "value_from": {"secret_key_ref": {"name": secret.metadata["name"], "key": "word"}}}],
}
k8s.apps.v1.Deployment(
    "rollout", metadata={"name": "rollout", "annotations": {"pulumi.com/skipAwait": "true"}},
    spec={"replicas": 2, "selector": {"match_labels": labels},
          "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}},
    opts=opts,
)
service = k8s.core.v1.Service(
    "service", metadata=metadata, spec={"selector": labels, "ports": [{"port": 80}]}, opts=opts
)
k8s.rbac.v1.ClusterRole(
    "reader", metadata={"name": NAMESPACE},
    rules=[{"api_groups": [""], "resources": ["pods"], "verbs": ["get"]}], opts=opts,
)
schema = k8s.apiextensions.v1.JSONSchemaPropsArgs(
    type="object",
    properties={"spec": k8s.apiextensions.v1.JSONSchemaPropsArgs(
        type="object", x_kubernetes_preserve_unknown_fields=True)},
)
group = f"{NAMESPACE}.example.dev"
definition = k8s.apiextensions.v1.CustomResourceDefinition(
    "definition", metadata={"name": f"things.{group}"},
    spec={"group": group, "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
          "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"open_apiv3_schema": schema}}]},
    opts=opts,
)
k8s.apiextensions.CustomResource(
    "thing", f"{group}/v1", "Thing", metadata={"name": "thing"}, spec={"list": [1, {"x": "y"}]},
    opts=having(depends_on=[definition]),
)
pulumi.export("name", map.metadata["name"])
pulumi.export("address", service.spec.cluster_ip)
pulumi.export("data", secret.data)
pulumi.export("namespace", service.metadata["namespace"])
"""


def test_objects_of_many_kinds_are_built_read_unchanged_and_destroyed(stack: Stack) -> None:
    assert "+ 9 to create" in stack.preview(MANY)
    assert stack.kubectl("get", "configmaps,deployments,services", "--output=name") == ""
    built = stack.up()
    assert "+ 9 created" in built and "swordfish" not in built
    stack.unchanged()
    assert "9 unchanged" in stack.project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.unchanged()
    outputs = stack.outputs()
    assert outputs["name"].startswith("auto-") and len(outputs["name"]) == len("auto-") + 8
    assert stack.get("configmap", outputs["name"])["data"] == {"key": "value", "a.b": "c"}
    assert outputs["address"] == stack.items("services")[0]["spec"]["clusterIP"]
    assert base64.b64decode(outputs["data"]["word"]) == b"swordfish"
    assert outputs["namespace"] == stack.namespace
    crd = json.loads(stack.kubectl("get", "crd", f"things.{stack.namespace}.example.dev", "--output=json"))
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert spec["x-kubernetes-preserve-unknown-fields"] is True
    assert stack.get(f"things.{stack.namespace}.example.dev", "thing")["spec"] == {"list": [1, {"x": "y"}]}
    state = stack.project.pulumi("stack", "export")
    assert "swordfish" not in state and base64.b64encode(b"swordfish").decode() not in state
    assert "- 9 deleted" in stack.project.pulumi("destroy", "--yes", "--skip-preview")
    assert stack.kubectl("get", "configmaps,deployments,services,secrets", "--output=name") == ""


def test_the_operator_s_own_manifests_are_applied_and_then_unchanged(stack: Stack) -> None:
    stack.up(f"""
        # A policy that is bound would refuse the other tests' namespaces, while there is no law to read.
        BINDING = "ValidatingAdmissionPolicyBinding"
        for file in sorted(pathlib.Path({str(DEPLOY)!r}).glob("*.yaml")):
            for manifest in yaml.safe_load_all(file.read_text()):
                if not manifest or manifest["kind"] in ("Kustomization", "Namespace", BINDING):
                    continue
                metadata = dict(manifest.pop("metadata"))
                if "namespace" in metadata:
                    metadata["namespace"] = NAMESPACE
                metadata["annotations"] = {{**metadata.get("annotations", {{}}), "pulumi.com/skipAwait": "true"}}
                kind, version = manifest.pop("kind"), manifest.pop("apiVersion")
                resource = pulumi.CustomResource(
                    f"kubernetes:{{version if '/' in version else 'core/' + version}}:{{kind}}",
                    f"{{kind}}-{{metadata['name']}}",
                    {{"apiVersion": version, "kind": kind, "metadata": metadata, **manifest}}, opts)
        """)
    stack.unchanged()
    assert "casinotenants" in stack.kubectl("get", "crd", "casinotenants.casino.domicile.dev", "--output=name")
    stack.project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.project.pulumi("destroy", "--yes", "--skip-preview")


MAP = 'k8s.core.v1.ConfigMap("map", metadata={"name": "map"%s}, data={"a": "%s"%s}, opts=opts)'


def test_drift_of_our_fields_is_found_and_repaired_and_others_fields_are_let_alone(stack: Stack) -> None:
    stack.up(MAP % ("", "1", ""), arguments="enable_config_map_mutable=True, enable_patch_force=True")
    stack.kubectl("label", "configmap", "map", "of=others")
    stack.kubectl("patch", "configmap", "map", "--type=merge", "--patch", '{"data": {"other": "x"}}')
    stack.kubectl("patch", "configmap", "map", "--type=merge", "--patch", '{"data": {"a": "edited"}}')
    assert "1 updated" in stack.project.pulumi("refresh", "--yes", "--skip-preview")
    assert '"edited" => "1"' in stack.preview()
    stack.up()
    assert stack.get("configmap", "map")["data"] == {"a": "1", "other": "x"}
    assert stack.get("configmap", "map")["metadata"]["labels"]["of"] == "others"
    stack.unchanged()


def test_a_deleted_object_is_found_by_a_refresh_and_made_again(stack: Stack) -> None:
    stack.up(MAP % ("", "1", ""))
    stack.kubectl("delete", "configmap", "map")
    assert "1 deleted" in stack.project.pulumi("refresh", "--yes", "--skip-preview")
    assert "+ 1 created" in stack.up()
    assert stack.get("configmap", "map")["data"] == {"a": "1"}


def test_what_is_no_longer_stated_is_removed(stack: Stack) -> None:
    stack.up(MAP % ("", "1", ', "b": "2"'), arguments="enable_config_map_mutable=True")
    stack.up(MAP % ("", "1", ""), arguments="enable_config_map_mutable=True")
    assert stack.get("configmap", "map")["data"] == {"a": "1"}


def test_a_conflict_names_the_other_owner_and_the_way_out(stack: Stack) -> None:
    mutable = "enable_config_map_mutable=True"
    stack.up(MAP % ("", "1", ""), arguments=mutable)
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map"}, "data": {"a": "theirs"}}
    stack.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=them", "--filename=-",
                  stdin=json.dumps(manifest))  # fmt: skip
    shown = stack.up(MAP % ("", "2", ""), arguments=mutable, fails=True)
    assert '"them"' in shown and ".data.a" in shown and "pulumi.com/patchForce" in shown
    assert stack.get("configmap", "map")["data"] == {"a": "theirs"}
    stack.up(MAP % (', "annotations": {"pulumi.com/patchForce": "true"}', "2", ""), arguments=mutable)
    assert stack.get("configmap", "map")["data"] == {"a": "2"}


def test_an_object_of_others_is_not_taken_over_unless_that_is_said(stack: Stack) -> None:
    stack.kubectl("create", "configmap", "map", "--from-literal=a=theirs")
    shown = stack.up(MAP % ("", "1", ""), fails=True)
    assert "exists already and was not made by this stack" in shown and "pulumi import" in shown
    assert stack.get("configmap", "map")["data"] == {"a": "theirs"}
    stack.up(MAP % (', "annotations": {"pulumi.com/patchForce": "true"}', "1", ""))
    assert stack.get("configmap", "map")["data"] == {"a": "1"}


def test_an_object_is_imported_as_it_is(stack: Stack) -> None:
    stack.kubectl("create", "configmap", "map", "--from-literal=a=1")
    stack.up((MAP % ("", "1", "")).replace("opts=opts", 'opts=having(import_=f"{NAMESPACE}/map")'))
    stack.up(MAP % ("", "1", ""))
    stack.unchanged()


def test_a_config_map_is_replaced_by_default_and_changed_when_that_is_said(stack: Stack) -> None:
    program = """
        made = k8s.core.v1.ConfigMap("map", data={"a": "%s"}, opts=opts)
        pulumi.export("namespace", made.metadata["namespace"])
        """
    assert f'namespace: "{stack.namespace}"' in stack.preview(program % 1)
    stack.up()
    (first,) = (i["metadata"]["name"] for i in stack.items("configmaps"))
    assert "1 replaced" in stack.up(program % 2)
    (second,) = (i["metadata"]["name"] for i in stack.items("configmaps"))
    assert first != second
    shown = stack.preview(program % 3, arguments="enable_config_map_mutable=True")
    assert '"2" => "3"' in shown and "namespace" not in shown.partition("Outputs:")[2]
    assert "~ 2 updated" in stack.up(program % 3, arguments="enable_config_map_mutable=True")
    assert stack.get("configmap", second)["data"] == {"a": "3"}


def test_a_field_that_the_api_calls_immutable_replaces_the_object(stack: Stack) -> None:
    program = """
        labels = {"app": "%s"}
        k8s.apps.v1.Deployment(
            "d", metadata={"name": "d", "annotations": {"pulumi.com/skipAwait": "true"}},
            spec={"selector": {"match_labels": labels}, "template": {
                "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}},
            opts=opts)
        """
    stack.up(program % "x")
    uid = stack.get("deployment", "d")["metadata"]["uid"]
    assert "+-1 to replace" in stack.preview(program % "y")
    assert "1 replaced" in stack.up()
    assert stack.get("deployment", "d")["metadata"]["uid"] != uid
    stack.unchanged()


def test_the_api_s_spelling_of_a_quantity_is_no_change(stack: Stack) -> None:
    program = """
        k8s.core.v1.ResourceQuota("q", metadata={"name": "q"}, spec={"hard": {"limits.cpu": "%s"}}, opts=opts)
        """
    stack.up(program % "1000m")
    stack.project.pulumi("refresh", "--yes", "--skip-preview")
    stack.unchanged()
    stack.program(program % "1")
    stack.unchanged()
    assert "limits.cpu" in stack.preview(program % "2")


def test_a_manifest_that_the_api_refuses_fails_the_preview(stack: Stack) -> None:
    shown = stack.preview(MAP % ("", "1", ', "not/allowed": "x"'), fails=True)
    assert "a valid config key must consist of" in shown
    unknown = 'pulumi.CustomResource("kubernetes:core/v1:ConfigMap", "m", {"dada": {"a": "b"}}, opts)'
    assert "field not declared in schema" in stack.preview(unknown, fails=True)


def test_a_deployment_is_waited_for_and_kept_when_it_fails(stack: Stack) -> None:
    program = """
        labels = {"app": "x"}
        made = k8s.apps.v1.Deployment(
            "d", metadata={"name": "d"},
            spec={"selector": {"match_labels": labels}, "template": {
                "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "%s"}]}}},
            opts=having(custom_timeouts=pulumi.CustomTimeouts(create="3s", update="60s")))
        pulumi.export("available", made.status.available_replicas)
        """
    shown = stack.up(program % "i:1", fails=True)
    assert "is not ready: its controller has not seen this generation yet (waited 3 s" in shown
    stack.program(program % "i:2")
    update = stack.project.start("up", "--yes", "--skip-preview")
    soon(lambda: stack.get("deployment", "d")["metadata"]["generation"] == 2)
    status = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    stack.kubectl("patch", "deployment", "d", "--subresource=status", "--type=merge", "--patch",
                  json.dumps({"status": status}))  # fmt: skip
    output, _ = update.communicate(timeout=60)
    assert update.returncode == 0, output
    assert stack.outputs()["available"] == 1
    stack.unchanged()


def test_a_deletion_is_waited_for_and_says_what_holds_the_object(stack: Stack) -> None:
    stack.up("""
        k8s.core.v1.ConfigMap("map", metadata={"name": "map", "finalizers": ["example.dev/held"]}, data={"a": "1"},
                              opts=having(custom_timeouts=pulumi.CustomTimeouts(delete="2s")))
        """)
    shown = stack.project.pulumi("destroy", "--yes", "--skip-preview", fails=True)
    assert "waits for its finalizers example.dev/held" in shown
    stack.kubectl("patch", "configmap", "map", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
    stack.project.pulumi("destroy", "--yes", "--skip-preview")


def test_a_patch_changes_what_others_made_and_gives_it_back(stack: Stack) -> None:
    stack.kubectl("create", "configmap", "theirs", "--from-literal=a=1")
    stack.up('k8s.core.v1.ConfigMapPatch("p", metadata={"name": "theirs"}, data={"b": "2"}, opts=opts)')
    assert stack.get("configmap", "theirs")["data"] == {"a": "1", "b": "2"}
    stack.unchanged()
    stack.up("")
    assert stack.get("configmap", "theirs")["data"] == {"a": "1"}


def test_a_custom_resource_without_its_definition_says_what_to_depend_on(stack: Stack) -> None:
    program = 'k8s.apiextensions.CustomResource("t", "absent.example.dev/v1", "Absent", spec={}, opts=opts)'
    assert "+ 3 to create" in stack.preview(program)
    assert "depends_on" in stack.up(fails=True)


def test_helm_kustomize_lists_and_components_are_refused_by_name(stack: Stack) -> None:
    group = 'k8s.yaml.v2.ConfigGroup("g", yaml="kind: ConfigMap", opts=opts)'
    assert "kubernetes:yaml/v2:ConfigGroup is one. Declare the resources" in stack.preview(group, fails=True)
    helm = 'pulumi.CustomResource("kubernetes:helm.sh/v3:Release", "r", {"chart": "nginx"}, opts)'
    assert "neither Helm nor Kustomize" in stack.preview(helm, fails=True)
    items = 'k8s.core.v1.ConfigMapList("l", items=[{"data": {"a": "1"}}], opts=opts)'
    assert "Declare its items each as a resource" in stack.preview(items, fails=True)


def test_a_credential_plugin_of_the_kubeconfig_is_used_and_its_failure_is_told(
    tmp_path: Path, cluster: Cluster
) -> None:
    config = yaml.safe_load(cluster.kubeconfig("admin", cluster.admin_token).read_text())
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
              "status": {"token": cluster.admin_token}}  # fmt: skip
    config["users"][0]["user"] = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "Never",
                 "args": ["-c", 'test "$WHO" = me && cat answer.json'], "env": [{"name": "WHO", "value": "me"}]}
    }  # fmt: skip
    text = json.dumps(config).replace("answer.json", str(tmp_path / "answer.json"))
    stack = Stack(tmp_path, cluster, text)
    shown = stack.preview(MAP % ("", "1", ""), fails=True)
    assert "The credential plugin of the kubeconfig's user 'u' (`sh -c " in shown
    assert "gave no credential: exec: process returned 1. cat: " in shown
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    stack.up()
    assert stack.get("configmap", "map")["data"] == {"a": "1"}


def test_an_unreachable_cluster_is_told_and_its_objects_can_be_let_go(stack: Stack) -> None:
    identified = 'cluster_identifier="one"'
    stack.up(MAP % ("", "1", ""), arguments=identified)
    config = yaml.safe_load((stack.project.folder / "infra" / "kubeconfig").read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    stack.project.write("infra/kubeconfig", json.dumps(config))
    # The identifier says that it still is the same cluster: its objects are changed, not replaced.
    assert "does not answer" in stack.up(MAP % ("", "2", ""), arguments=identified, fails=True)
    stack.up(MAP % ("", "1", ""), arguments=f"{identified}, delete_unreachable=True")
    assert "- 1 deleted" in stack.up("", arguments=f"{identified}, delete_unreachable=True")
    assert stack.get("configmap", "map")["data"] == {"a": "1"}


def test_another_cluster_replaces_the_objects(stack: Stack) -> None:
    stack.up(MAP % ("", "1", ""))
    config = yaml.safe_load((stack.project.folder / "infra" / "kubeconfig").read_text())
    server = config["clusters"][0]["cluster"]["server"]
    config["clusters"][0]["cluster"]["server"] = server.replace("127.0.0.1", "localhost")
    stack.project.write("infra/kubeconfig", json.dumps(config))
    shown = stack.project.pulumi("preview")
    assert "kubernetes:core/v1:ConfigMap map replace" in shown
