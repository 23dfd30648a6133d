"""What a round may not tell yet, kept apart and sealed while it is open. Pure but for the seal.

The state that is written is the state without what is `hidden`, and `sealed` beside it. A state from before there was a
seal has none, and is whole as it is; so is that of a round that is closed.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import replace
from typing import Any, Protocol

from casino.game_control.rounds import SEALED, Json, RoundState

_BLOCK = 64


class Seal(Protocol):
    """`bound_to` says where the sealed belongs; elsewhere it does not open."""

    def seal(self, plaintext: bytes, bound_to: bytes) -> bytes: ...

    def open(self, sealed: bytes, bound_to: bytes) -> bytes: ...


def hide(state: RoundState, seal: Seal, round_id: uuid.UUID, step: int) -> dict[str, Any]:
    """The state as JSON, what is hidden of it sealed. `step` is the step that led to it."""
    document = state.as_json()
    hidden = {name: state.data[name] for name in state.hidden if name in state.data}
    if state.closed or not hidden:
        return document
    text = json.dumps(hidden, separators=(",", ":")).encode()
    # To whole blocks: the length tells nothing of what is in it, such as a ten from a nine.
    sealed = seal.seal(text.ljust(-(-len(text) // _BLOCK) * _BLOCK), _bound(round_id, step))
    document["data"] = {name: value for name, value in state.data.items() if name not in hidden}
    return document | {SEALED: base64.b64encode(sealed).decode()}


def whole(stored: Json, seal: Seal, round_id: uuid.UUID, step: int) -> RoundState:
    """The state that `hide` wrote, whole again. Raises ValueError when it is none, and what the seal raises."""
    state = RoundState.of_json(stored)
    if SEALED not in stored:
        return state
    hidden = json.loads(seal.open(base64.b64decode(stored[SEALED]), _bound(round_id, step)))
    return replace(state, data={**state.data, **hidden})


def _bound(round_id: uuid.UUID, step: int) -> bytes:
    return b"round" + round_id.bytes + step.to_bytes(8, "big")
