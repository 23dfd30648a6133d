"""What kopf does that the operator has to live with: a watch that is silent, a watcher that fails."""

import os
import subprocess
import sys
from pathlib import Path


def test_silent_watches_are_taken_up_anew_and_a_watcher_that_fails_ends_the_process(tmp_path: Path) -> None:
    """Without `leave_within` it would hang here: kopf's other watchers wait for a login that nobody makes any more."""
    command = [sys.executable, "-m", "operator_testkit.kopf_alone", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout.split()
    assert said.count("/api/v1/services") == 2, done.stderr
    assert said.count("/api/v1/configmaps") >= 2
    assert "stopped" in said  # the Lease is given back before
    assert "etcd is not well" in done.stderr
    assert done.returncode == 1
