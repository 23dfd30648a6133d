"""The cache's key changes with the pins, and a toolchain that is too old is not used."""

import shutil
import subprocess
from pathlib import Path

import pytest
from domicile_lab import tools
from domicile_lab.paths import Paths
from domicile_lab.shell import CommandError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    return Paths(root=tmp_path, state=tmp_path / ".lab", cache=tmp_path / "cache")


def test_every_tool_has_its_pins(paths: Paths) -> None:
    for tool in tools.load_tools(paths):
        folder = paths.root / "tools" / tool.name
        assert (folder / "go.mod").exists(), tool.name
        if tool.binaries != {tool.name: "."}:
            assert (folder / "go.sum").exists(), tool.name


def test_a_changed_pin_is_another_build(paths: Paths) -> None:
    tool = tools.load_tools(paths)[0]
    before = tools.tool_folder(paths, tool)
    assert before == tools.tool_folder(paths, tool)
    with (paths.root / "tools" / tool.name / "go.sum").open("a") as pins:
        pins.write("example.org/x v1.0.0 h1:x=\n")
    assert tools.tool_folder(paths, tool) != before


def test_what_the_lab_runs_without_is_built_by_who_asks_for_it(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def build(paths: Paths, tool: tools.Tool, say: object) -> Path:
        built.append(tool.name)
        return tools.tool_folder(paths, tool)

    monkeypatch.setattr(tools, "build", build)
    tools.build_all(paths, lambda text: None)
    assert "kwok" not in built and {one.name for one in paths.bin.iterdir()}.isdisjoint({"kwok"})
    assert tools.build_one(paths, "kwok", lambda text: None).name.startswith("kwok-v")
    assert built[-1] == "kwok"


def test_a_tool_in_the_cache_is_not_built_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tools.load_tools(paths)[0]
    tools.tool_folder(paths, tool).mkdir(parents=True)

    def no_build(*_: object) -> str:
        raise AssertionError("looked for a compiler")

    monkeypatch.setattr(tools, "go_binary", no_build)
    assert tools.build(paths, tool, lambda text: None) == tools.tool_folder(paths, tool)


@pytest.mark.parametrize(
    ("package", "name"),
    [("k8s.io/kubernetes/cmd/kubelet", "kubelet"), ("go.etcd.io/etcd/server/v3", "server"), ("a/b/v2/cmd/x", "x")],
)
def test_the_name_that_go_gives_a_program(package: str, name: str) -> None:
    assert tools.default_binary_name(package) == name


@pytest.mark.parametrize(("says", "version"), [("go version go1.26.3 linux/amd64", (1, 26)), ("nonsense", (0, 0))])
def test_a_toolchains_version_is_read(tmp_path: Path, says: str, version: tuple[int, int]) -> None:
    fake = tmp_path / "go"
    fake.write_text(f"#!/bin/sh\necho '{says}'\n")
    fake.chmod(0o755)
    assert tools.go_version(str(fake)) == version


def test_a_toolchain_that_cannot_be_run_is_no_toolchain(tmp_path: Path) -> None:
    assert tools.go_version(str(tmp_path / "none")) == (0, 0)
    broken = tmp_path / "go"
    broken.write_text("not a program")
    assert tools.go_version(str(broken)) == (0, 0)


def test_links_replace_those_of_older_pins(paths: Paths) -> None:
    wanted = tools.load_tools(paths)
    paths.bin.mkdir(parents=True)
    (paths.bin / "kubectl").symlink_to("/nonexistent")
    tools.link(paths, wanted)
    assert (paths.bin / "kubectl").readlink().parent == tools.tool_folder(paths, wanted[0])
    assert not [p for p in paths.bin.iterdir() if p.name.startswith(".")]


def test_the_plugin_lies_beside_kubectl_and_is_replaced_whole(paths: Paths) -> None:
    for _ in range(2):
        tools.link_plugin(paths)
        assert {one.name for one in paths.bin.iterdir()} == {"kubectl-casino", "kubectl_complete-casino"}
    said = subprocess.run([paths.bin / "kubectl-casino", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("kubectl-casino ")


def test_a_plugin_that_is_not_installed_is_said_to_be_missing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.sysconfig, "get_path", lambda name: str(paths.root))
    with pytest.raises(CommandError, match="uv sync --all-packages"):
        tools.link_plugin(paths)
