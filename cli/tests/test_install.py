"""`domicile install`: what it applies of an environment, and to which cluster it does not."""

import json

import pytest
import yaml
from domicile_cli import install as module
from domicile_cli.main import app
from typer.testing import CliRunner

IMAGES = ["--operator-image", "registry.test/operator:1", "--casino-image", "registry.test/casino:1"]
MANIFESTS = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "domicile-system"}},
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "domicile-operator"},
        "spec": {"operator": "domicile-operator:unset", "casino": "casino:unset"},
    },
]


CERTIFYING = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "domicile-no-backend"}}]


class Cluster:
    """What kubectl is asked, of a cluster that keeps its ConfigMaps and who wrote each key."""

    def __init__(self):
        self.cell = {"cell.yaml": "name: lab-1\nenvironment: lab\n"}
        self.keys = {}
        self.applied = []

    def __call__(self, verb, *arguments, stdin=None):
        if verb == "kustomize":
            return yaml.safe_dump_all(CERTIFYING if arguments[0].endswith("certificates") else MANIFESTS)
        if verb == "get":
            data = self.cell if arguments[1] == "domicile-cell" else {n: text for n, (text, _) in self.keys.items()}
            return "" if data is None else json.dumps({"data": data})
        if verb == "apply":
            writer = next(one for one in arguments if one.startswith("--field-manager="))
            for document in yaml.safe_load_all(stdin):
                self.applied.append(document["kind"])
                if document["kind"] == "ConfigMap":
                    kept = {n: held for n, held in self.keys.items() if held[1] != writer}
                    self.keys = kept | {n: (text, writer) for n, text in document["data"].items()}
        return "done\n"


@pytest.fixture
def cluster(monkeypatch):
    found = Cluster()
    monkeypatch.setattr(module, "_kubectl", found)
    return found


def run(*arguments):
    module.console.width = 400
    return CliRunner(env={"COLUMNS": "400", "NO_COLOR": "1"}).invoke(app, ["install", *IMAGES, *map(str, arguments)])


def put(lab, **files):
    for name, content in files.items():
        (lab / "attestations" / name.replace("_", ".")).write_bytes(content)


def test_without_an_environment_no_attestations_are_touched(cluster, lab):
    result = run("--manifests", lab)
    assert (result.exit_code, cluster.applied) == (0, ["Namespace", "Deployment"])


def test_the_attestations_of_the_environment_and_their_signatures_are_installed_before_the_operator(cluster, lab):
    put(lab, no_yaml=b"a: \xc3\xa9\r\n\n", no_yaml_sig=b"signature\n", officers_yaml=b"b: 2\n", notes_txt=b"no")
    result = run("--manifests", lab, "--environment", lab)
    assert result.exit_code == 0, result.output
    assert cluster.applied == ["Namespace", "ConfigMap", "Deployment"]
    held = {name: text.encode() for name, (text, _) in cluster.keys.items()}
    assert held == {"no.yaml": b"a: \xc3\xa9\r\n\n", "no.yaml.sig": b"signature\n", "officers.yaml": b"b: 2\n"}
    assert "attestations of lab: no.yaml, officers.yaml" in result.output


def test_what_was_taken_out_of_the_folder_goes(cluster, lab):
    put(lab, no_yaml=b"a: 1\n", se_yaml=b"a: 1\n")
    run("--manifests", lab, "-e", lab)
    (lab / "attestations" / "no.yaml").unlink()
    run("--manifests", lab, "-e", lab)
    assert list(cluster.keys) == ["se.yaml"]
    (lab / "attestations" / "se.yaml").unlink()
    assert "attestations of lab: none" in run("--manifests", lab, "-e", lab).output
    assert cluster.keys == {}


def test_what_something_else_wrote_there_is_told(cluster, lab):
    cluster.keys = {"old.yaml": ("a: 1\n", "kubectl")}
    result = run("--manifests", lab, "-e", lab)
    assert result.exit_code == 1
    assert "still holds old.yaml" in result.output and "kubectl delete configmap" in result.output


def test_another_environments_cluster_gets_nothing(cluster, lab):
    put(lab, no_yaml=b"a: 1\n")
    cluster.cell = {"cell.yaml": "name: live-1\nenvironment: live\n"}
    result = run("--manifests", lab, "-e", lab)
    assert (result.exit_code, cluster.keys) == (1, {})
    assert "is the environment lab, and the cluster's cell is of live" in result.output
    for cell in ({}, {"cell.yaml": "{"}, {"cell.yaml": "- a"}):
        cluster.cell = cell
        assert run("--manifests", lab, "-e", lab).exit_code == 1
    cluster.cell = None
    assert "has no ConfigMap domicile-cell" in run("--manifests", lab, "-e", lab).output
    assert cluster.keys == {}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("big.yaml", b"a" * 900_001, "900001 bytes, and a ConfigMap takes 900000"),
        ("bad name.yaml", b"a: 1\n", "a ConfigMap takes letters"),
        ("no.yaml", b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_a_config_map_does_not_take_is_refused_before_anything_is_applied(cluster, lab, name, content, words):
    (lab / "attestations" / name).write_bytes(content)
    result = run("--manifests", lab, "-e", lab)
    assert (result.exit_code, cluster.applied) == (1, [])
    assert words in result.output


def test_900_kilobytes_are_taken(cluster, lab):
    put(lab, big_yaml=b"a" * 900_000)
    assert run("--manifests", lab, "-e", lab).exit_code == 0


def test_a_folder_that_is_no_environment_is_refused(cluster, lab):
    (lab / "environment.yaml").unlink()
    result = run("--manifests", lab, "-e", lab)
    assert (result.exit_code, cluster.keys) == (1, {})
    assert "environment.yaml: cannot be read" in result.output


def test_a_dry_run_prints_the_config_map_and_applies_nothing(cluster, lab):
    put(lab, no_yaml=b"a: 1\n")
    result = run("--manifests", lab, "-e", lab, "--dry-run")
    assert (result.exit_code, cluster.applied) == (0, [])
    *_, papers = yaml.safe_load_all(result.stdout)
    assert (papers["metadata"]["name"], papers["data"]) == ("domicile-attestations", {"no.yaml": "a: 1\n"})


MANIFEST = '{"manifest": {"components": {}}, "signature": "c2lnbmVk"}\n'
TRUSTS = {"cell.yaml": "name: lab-1\nenvironment: lab\ngamesKeys: [a key]\n"}


def test_a_releases_games_lie_beside_those_of_the_release_before(cluster, lab):
    cluster.cell = TRUSTS
    (lab / "games.json").write_text(MANIFEST)
    cluster.keys = {"0.json": ("{}", "--field-manager=domicile-games-of-0")}
    result = run("--manifests", lab, "--games-manifest", lab / "games.json")
    assert result.exit_code == 0, result.output
    assert cluster.applied == ["Namespace", "ConfigMap", "Deployment"]
    assert {name: text for name, (text, _) in cluster.keys.items()} == {"0.json": "{}", "1.json": MANIFEST}
    assert "nobody verifies" not in result.output


def test_a_cell_that_trusts_signed_games_gets_no_release_without_them(cluster, lab):
    cluster.cell = TRUSTS
    result = run("--manifests", lab)
    assert result.exit_code == 1 and "--games-manifest" in result.output
    assert "Deployment" not in cluster.applied
    cluster.keys = {"1.json": (MANIFEST, "domicile-games-of-1")}
    assert run("--manifests", lab).exit_code == 0


def test_a_manifest_that_no_key_of_the_cell_could_have_signed_is_told(cluster, lab):
    (lab / "games.json").write_text(MANIFEST)
    result = run("--manifests", lab, "--games-manifest", lab / "games.json")
    assert result.exit_code == 0 and "nobody verifies the manifest" in result.output


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"manifest": {}}'])
def test_what_is_no_manifest_of_games_is_not_installed(cluster, lab, text):
    (lab / "games.json").write_text(text)
    result = run("--manifests", lab, "--games-manifest", lab / "games.json")
    assert (result.exit_code, cluster.applied) == (1, [])


@pytest.mark.parametrize("asked", [True, False])
def test_what_has_certificates_signed_comes_to_the_cells_that_ask_for_it(cluster, tmp_path, asked):
    (tmp_path / "certificates").mkdir()
    cluster.cell["cell.yaml"] += "certificates: OpenBao\n" if asked else ""
    assert run("--manifests", tmp_path).exit_code == 0
    assert ("Service" in cluster.applied) is asked
