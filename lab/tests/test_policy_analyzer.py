"""How a policy pack is started. What a pack then does is in integration/test_policy_analyzer.py."""

import subprocess
import sys
from pathlib import Path

import pytest
from domicile_lab.providers.interpreter import InterpreterError
from domicile_lab.providers.policy_analyzer import command

LAUNCHER = Path(__file__).parents[1] / "cloud" / "bin" / "pulumi-analyzer-policy-python"


def test_the_pack_s_interpreter_runs_pulumi_s_own_policy_runner(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    arguments = ["--logtostderr", "-v=3", "127.0.0.1:5", ".", "-virtualenv=.venv", "-typechecker=mypy"]
    assert command(arguments, str(tmp_path), {"DOMICILE_PYTHON": "/lab"}) == [
        *(str(python), "-u", "-m", "pulumi.policy", "127.0.0.1:5", "."),
    ]
    assert command(["127.0.0.1:5", "."], str(tmp_path), {"DOMICILE_PYTHON": "/lab"})[0] == "/lab"


def test_a_virtual_environment_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match="uv venv"):
        command(["127.0.0.1:5", ".", "-virtualenv=gone"], str(tmp_path), {})


def test_the_launcher_prints_a_pack_s_fault_and_no_port(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("raise ValueError('a rule is missing')\n")
    done = subprocess.run(
        [LAUNCHER, "127.0.0.1:1", "."],
        cwd=tmp_path,
        env={"DOMICILE_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1 and not done.stdout
    assert "ValueError: a rule is missing" in done.stderr
