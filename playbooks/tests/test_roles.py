"""What every role keeps to: documented arguments, full module names, checked templates of secrets, tags."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = Path(__file__).resolve().parents[1]
ROLES = sorted(p for p in (PLAYBOOKS / "roles").iterdir() if p.is_dir())
OURS = {"certificate", "current_unit", "intermediate", "openbao"}  # our own plugins, which need no collection's name
KEYWORDS = {
    "name", "when", "tags", "register", "notify", "loop", "loop_control", "become", "become_user", "vars", "no_log",
    "changed_when", "failed_when", "check_mode", "delegate_to", "run_once", "until", "retries", "delay",
    "environment", "args", "block", "rescue", "always", "listen", "diff", "throttle", "ignore_errors",
    "async", "poll", "connection",
}  # fmt: skip


def tasks_of(role: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    def flat(tasks: list[dict[str, Any]], file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        for task in tasks or []:
            yield f"{file.relative_to(PLAYBOOKS)}: {task.get('name')}", task
            for part in ("block", "rescue", "always"):
                yield from flat(task.get(part, []), file)

    for file in sorted(role.glob("tasks/*.yml")):
        yield from flat(yaml.safe_load(file.read_text()), file)


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_modules_are_called_by_their_full_names(role: Path) -> None:
    for where, task in tasks_of(role):
        modules = [k for k in task if k not in KEYWORDS]
        if "block" in task:
            assert modules == [], where
            continue
        assert len(modules) == 1, f"{where}: {modules}"
        assert modules[0] in OURS or modules[0].count(".") == 2, f"{where}: {modules[0]}"


def test_every_task_has_a_name(role: Path) -> None:
    for where, task in tasks_of(role):
        assert task.get("name"), where


def test_every_default_is_a_documented_argument(role: Path) -> None:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    options = specs["main"].get("options", {})
    assert specs["main"].get("short_description")
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text()) if (role / "defaults").exists() else {}
    assert set(defaults or {}) <= set(options)
    for name, option in options.items():
        assert option.get("description"), name
        assert option.get("type"), name


def test_a_command_says_when_it_changes_something(role: Path) -> None:
    for where, task in tasks_of(role):
        if {"ansible.builtin.command", "ansible.builtin.shell"} & set(task):
            asked = task.get("ansible.builtin.command") or task.get("ansible.builtin.shell")
            arguments = {**task.get("args", {}), **(asked if isinstance(asked, dict) else {})}
            told = {"creates", "removes"} & set(arguments)
            assert "changed_when" in task or told, where


def test_files_are_written_with_an_owner_and_a_mode(role: Path) -> None:
    for where, task in tasks_of(role):
        for module in ("ansible.builtin.template", "ansible.builtin.copy"):
            if module in task:
                # On the controller a file belongs to whoever runs the playbook.
                wanted = {"mode"} if task.get("delegate_to") == "localhost" else {"owner", "mode"}
                assert wanted <= set(task[module]), where


def test_nothing_depends_on_a_handler_that_an_interrupted_run_would_lose(role: Path) -> None:
    assert not (role / "handlers").exists(), "use current_unit: it looks at what is there"
    for where, task in tasks_of(role):
        assert "notify" not in task, where
