"""Programs run by the real engine through the lab's language host. Needs DOMICILE_TOOLS (pulumi)."""

import json
import os
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from engine_testkit import Project

PROGRAM = """
import sys
import pulumi
from beside import ANSWER

class Shelf(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("trial:index:Shelf", name, {"boards": 3})
        self.register_outputs({})

Shelf("one")
config = pulumi.Config()
print("said on standard output")
print("said on standard error", file=sys.stderr)
pulumi.export("plain", config.get("plain"))
pulumi.export("list", config.get_object("list"))
pulumi.export("secret", config.get_secret("secret"))
pulumi.export("names", [pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization()])
pulumi.export("dry", pulumi.runtime.is_dry_run())
pulumi.export("root", pulumi.runtime.get_root_directory())
pulumi.export("python", sys.executable)
pulumi.export("beside", ANSWER)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, PROGRAM)
    made.write("infra/beside.py", "ANSWER = 42\n")
    return made


def test_a_program_is_previewed_built_refreshed_and_destroyed_by_plain_commands(project: Project) -> None:
    project.pulumi("config", "set", "plain", "as it is")
    project.pulumi("config", "set", "--path", "list[0]", "first")
    project.pulumi("config", "set", "--secret", "secret", "swordfish")
    assert "+ 2 to create" in project.pulumi("preview")
    built = project.pulumi("up", "--yes")
    assert "+ 2 created" in built and "swordfish" not in built
    assert "said on standard output" in built and "said on standard error" in built
    outputs = json.loads(project.pulumi("stack", "output", "--json"))
    assert outputs == {
        "plain": "as it is",
        "list": ["first"],
        "secret": "[secret]",
        "names": ["trial", "test", "organization"],
        "dry": False,
        "root": str(project.folder),
        "python": sys.executable,
        "beside": 42,
    }
    assert project.pulumi("stack", "output", "secret", "--show-secrets").strip() == "swordfish"
    assert "2 unchanged" in project.pulumi("preview", "--expect-no-changes")
    assert "2 unchanged" in project.pulumi("refresh", "--yes")
    assert "- 2 deleted" in project.pulumi("destroy", "--yes")


def test_an_exception_fails_the_update_with_a_traceback_that_begins_in_the_program(project: Project) -> None:
    project.write("infra/beside.py", "def fail():\n    raise ValueError('no such place')\n\n\nfail()\n")
    shown = project.pulumi("up", "--yes", "--skip-preview", fails=True)
    assert "Program failed with an unhandled exception" in shown and "ValueError: no such place" in shown
    assert "from beside import ANSWER" in shown and "beside.py" in shown
    assert "runpy" not in shown and "run_program" not in shown


def test_a_refusal_of_the_program_is_shown_as_its_words_alone(project: Project) -> None:
    project.program("import pulumi\nraise pulumi.RunError('Refused: GB data may not rest there.')\n")
    shown = project.pulumi("preview", fails=True)
    assert "error: Refused: GB data may not rest there." in shown and "Traceback" not in shown


def test_a_fault_of_a_late_value_fails_the_update(project: Project) -> None:
    project.program("import pulumi\npulumi.Output.from_input(0).apply(lambda n: 1 / n)\n")
    assert "ZeroDivisionError" in project.pulumi("preview", fails=True)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit(3)", "Program exited with non-zero exit code: 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "Program was ended by SIGKILL"),
        ("x = (", "SyntaxError: '(' was never closed"),
    ],
    ids=["exit code", "signal", "syntax"],
)
def test_a_program_that_ends_otherwise_fails_the_update(project: Project, program: str, said: str) -> None:
    project.program(program)
    shown = project.pulumi("preview", fails=True)
    assert said in shown and "was never awaited" not in shown


def test_an_interrupt_ends_the_program_at_once(project: Project) -> None:
    mark = project.folder / "pid"
    project.program(
        f"import os, time, pathlib\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\ntime.sleep(90)"
    )
    for interrupted in (True, False):  # by the user, and by the engine's sudden death
        mark.unlink(missing_ok=True)
        process = project.start("preview")
        until = time.monotonic() + 30
        while not (mark.exists() and mark.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        program = int(mark.read_text())
        process.send_signal(signal.SIGINT if interrupted else signal.SIGKILL)
        begun = time.monotonic()
        if interrupted:
            shown, _ = process.communicate(timeout=30)
            assert "preview canceled" in shown and "Traceback" not in shown
        while _alive(program) and time.monotonic() < begun + 15:
            time.sleep(0.05)
        assert not _alive(program)
        assert time.monotonic() - begun < 8
        process.kill()
        process.wait()


def test_the_project_s_own_virtual_environment_runs_the_program(tmp_path: Path) -> None:
    made = Project(tmp_path, "import os, pulumi\npulumi.export('interpreter', os.environ['FOUND'])\n", virtualenv="own")
    assert "has no" in made.pulumi("preview", fails=True)
    python = made.write("own/bin/python", f'#!/bin/sh\nFOUND=own exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    made.pulumi("up", "--yes", "--skip-preview")
    assert made.pulumi("stack", "output", "interpreter").strip() == "own"


def test_what_the_engine_asks_beside_running_is_answered(project: Project) -> None:
    about = project.pulumi("about")
    assert f"executable='{sys.executable}'" in about
    assert f"language python {version('pulumi')}" in " ".join(about.split())
    answer = project.pulumi("about", "--json", "--transitive")
    named = {d["name"] for d in json.loads(answer[answer.index("{\n") :])["dependencies"]}
    assert {"pulumi", "grpcio"} <= named
    assert "Nothing to install" in project.pulumi("install")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie whose parent has gone is dead; it waits for init.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
