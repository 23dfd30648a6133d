"""`domicile-lab cloud`: up, env, down, on the ports of the checkout."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from domicile_lab.identity import identify

HERE = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    for name in ("uv.lock", "tools/tools.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(HERE / name, tmp_path / name)
    yield tmp_path
    command(tmp_path, "down")


def command(checkout, *words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "domicile_lab.main", "cloud", *words],
        env={**os.environ, "DOMICILE_CHECKOUT": str(checkout), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_lab_s_cloud_comes_up_once_and_goes_with_its_pulumi_state(checkout):
    assert command(checkout, "env").returncode == 1
    assert command(checkout, "up").returncode == 0
    first = json.loads(command(checkout, "status", "--json").stdout)
    assert first["running"] and first["endpoint"] == f"https://127.0.0.1:{identify(checkout).cloud_port}"
    assert command(checkout, "up").returncode == 0
    assert json.loads(command(checkout, "status", "--json").stdout)["pid"] == first["pid"]
    exported = command(checkout, "env").stdout
    script = f'{exported}\nprintf \'%s\\n\' "$AWS_ENDPOINT_URL" "$PULUMI_BACKEND_URL" "$PATH"'
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == first["endpoint"] and told[1] == f"file://{checkout}/.lab/cloud/pulumi/state"
    assert told[2].startswith(f"{checkout}/.lab/bin:{checkout}/lab/cloud/bin:")
    assert (checkout / ".lab/cloud/credentials").stat().st_mode & 0o077 == 0
    assert (checkout / ".lab/cloud/pulumi/passphrase").stat().st_mode & 0o077 == 0
    ended = command(checkout, "down")
    assert ended.returncode == 0 and "Pulumi state" in ended.stdout
    assert not (checkout / ".lab/cloud").exists()
    assert not json.loads(command(checkout, "status", "--json").stdout)["running"]


def test_identities_have_ports_of_their_own_for_the_cloud(tmp_path):
    ports = {identify(tmp_path / str(i)).cloud_port for i in range(50)}
    assert len(ports) > 40 and all(10000 <= port < 20000 and port % 2 == 0 for port in ports)
