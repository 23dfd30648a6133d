"""The language host as a process, without an engine. What needs one is in integration/test_language_host.py."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from domicile_lab.providers.interpreter import InterpreterError, distribution, interpreter
from domicile_lab.providers.language_host import outcome, program_of
from domicile_lab.providers.run_program import REPORTED, own_traceback
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

LAUNCHER = Path(__file__).parents[1] / "cloud" / "bin" / "pulumi-language-python"


@pytest.fixture(scope="module")
def process() -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [LAUNCHER, "-virtualenv=none", "-root=/", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        text=True,
        env={"DOMICILE_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    )
    yield started
    started.kill()
    started.wait()


@pytest.fixture(scope="module")
def host(process: "subprocess.Popen[str]") -> language_pb2_grpc.LanguageRuntimeStub:
    assert process.stdout
    return language_pb2_grpc.LanguageRuntimeStub(grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}"))


def info(folder: Path, **options: str) -> language_pb2.ProgramInfo:
    struct = struct_pb2.Struct()
    struct.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder / "infra"), entry_point=".", options=struct
    )


def test_it_tells_its_version_and_the_interpreter(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    assert host.GetPluginInfo(empty_pb2.Empty()).version.startswith("3.")
    about = host.About(language_pb2.AboutRequest(info=info(tmp_path)))
    assert about.executable == sys.executable
    assert about.version == ".".join(map(str, sys.version_info[:3]))


def test_it_demands_no_plugins(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    asked = language_pb2.GetRequiredPackagesRequest(info=info(tmp_path))
    assert not host.GetRequiredPackages(asked).packages


def test_direct_dependencies_are_those_that_nothing_else_needs(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    def names(transitive: bool) -> set[str]:
        request = language_pb2.GetProgramDependenciesRequest(info=info(tmp_path), transitiveDependencies=transitive)
        return {d.name.lower() for d in host.GetProgramDependencies(request).dependencies}

    assert names(False) < names(True)
    assert "grpcio" in names(True) - names(False)


def test_a_program_that_cannot_be_run_is_a_failed_call_that_says_what_to_do(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        host.Run(language_pb2.RunRequest(info=info(tmp_path, virtualenv="gone")))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "uv venv" in caught.value.details()


def test_it_ends_in_silence_when_the_engine_interrupts_it(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-P", "-m", "domicile_lab.providers.language_host", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout and int(started.stdout.readline())
        started.send_signal(signal.SIGINT)
        output, errors = started.communicate(timeout=10)
        assert (started.returncode, output, errors) == (0, "", "")
    finally:
        started.kill()


def test_the_interpreter_is_the_project_s_then_the_lab_s_then_ours(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    with pytest.raises(InterpreterError, match="has no"):
        interpreter(str(tmp_path), {"virtualenv": "venv"}, {})
    python.touch(0o755)
    assert interpreter(str(tmp_path), {"virtualenv": "venv"}, {"DOMICILE_PYTHON": "/lab"}) == str(python)
    assert interpreter(str(tmp_path), {"toolchain": "uv"}, {"DOMICILE_PYTHON": "/lab"}) == "/lab"
    assert interpreter(str(tmp_path), {}, {}) == sys.executable


@pytest.mark.parametrize(
    ("code", "error", "bail"),
    [
        (0, "", False),
        (REPORTED, "", True),
        (1, "Program exited with non-zero exit code: 1", False),
        (-9, "Program was ended by SIGKILL", False),
    ],
)
def test_how_a_program_ended_is_told_once(code: int, error: str, bail: bool) -> None:
    assert outcome(code) == language_pb2.RunResponse(error=error, bail=bail)


def test_the_entry_point_is_looked_for_in_the_program_s_folder(tmp_path: Path) -> None:
    asked = info(tmp_path)
    assert program_of(asked) == str(tmp_path / "infra")
    asked.entry_point = "other.py"
    assert program_of(asked) == str(tmp_path / "infra" / "other.py")


def test_a_traceback_begins_where_the_program_does(tmp_path: Path) -> None:
    program = tmp_path / "__main__.py"
    program.write_text("def fail():\n    raise KeyError('key')\n\nfail()\n")
    try:
        exec(compile(program.read_text(), str(program), "exec"), {})
    except KeyError as error:
        shown = own_traceback(error, str(tmp_path))
    assert shown.index(str(program)) < shown.index("KeyError: 'key'")
    assert Path(__file__).name not in shown


@pytest.mark.parametrize(
    ("requirement", "name"),
    [("grpcio<2,>=1.68", "grpcio"), ("ruamel.yaml", "ruamel-yaml"), ("Foo_bar[x] ; python_version < '3'", "foo-bar")],
)
def test_a_requirement_names_a_distribution(requirement: str, name: str) -> None:
    assert distribution(requirement) == name
