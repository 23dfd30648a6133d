"""What a tenant's manifest may ask for as its state, before any cluster sees it."""

import json
from typing import Any

import pytest
from domicile_catalog import State, load_catalogue
from domicile_cli.generated.schemas import schemas
from domicile_cli.tenant import Spec
from pydantic import ValidationError

SPEC: dict[str, Any] = {
    "brand": "Acme",
    "jurisdiction": "GB",
    "licence": {"number": "1", "holder": "Acme Ltd", "validUntil": "2028-12-31"},
    "products": ["casino"],
    "size": "small",
}


@pytest.mark.parametrize("state", State)
def test_every_state_of_the_table_can_be_asked_for(state: State) -> None:
    assert Spec.model_validate(SPEC | {"state": state.value}).state is state
    assert Spec.model_validate(SPEC).state is State.LIVE


@pytest.mark.parametrize("state", [None, "Live", "ClosedToNewPlayers", "WithdrawOnly", "Closing"])
def test_what_a_suspension_leaves_is_said_of_a_suspension_alone(state: str | None) -> None:
    leaves = {"suspension": {"withdrawals": True}}
    assert Spec.model_validate(SPEC | leaves | {"state": "Suspended"}).suspension is not None
    with pytest.raises(ValidationError, match="Suspended"):
        Spec.model_validate(SPEC | leaves | ({"state": state} if state else {}))


def test_editors_know_the_states() -> None:
    schema = json.loads(schemas(load_catalogue())["tenant.schema.json"])
    assert schema["$defs"]["State"]["enum"] == list(State)
