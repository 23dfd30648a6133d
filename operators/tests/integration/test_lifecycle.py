"""The operator as a process against real servers: from YAML to Live, and back to nothing."""

import pytest
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.tenants import apply, manifest, status, until

pytestmark = pytest.mark.apiserver


def test_a_tenant_becomes_live(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("live-gb"))
    hands = Controllers(cell, "live-gb")
    hands.finish_migration()
    hands.roll_out()
    ready = until(cell, "live-gb", "Ready", "True")
    assert ready["message"] == "Players are served at https://live-gb.casinos.test:18443/"
    found = status(cell, "live-gb")
    assert (found["state"], found["place"], found["version"]) == ("Live", "eu-west-2", "0.1.0-abc1234")
