"""Provably fair rounds: outcomes that a player can compute again after the server's seed is revealed.

Before a player bets, the server commits to its seed: SHA-256(server_seed). The n-th round draws from the stream of
HMAC-SHA256(key = server_seed, message = "client_seed:nonce:cursor") for cursor 0, 1, 2, ..., by rejection as every
draw does. The player chooses the client seed after the commitment, so neither side chooses the outcome. The seed is
revealed when it is replaced; until then it is a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from casino.game_control.definition import Definition, act, start
from casino.game_control.rounds import ChoiceInvalid, Drawing
from casino.kernel.errors import CasinoError

SEED_BYTES = 32
CLIENT_SEED = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_ACTIONS = 10_000


def commitment(server_seed: bytes) -> str:
    """What the player is shown beforehand: SHA-256 of the seed's bytes, in hexadecimal."""
    return hashlib.sha256(server_seed).hexdigest()


class FairDraw(Drawing):
    """The draws of one round. `taken` is how many bytes of the stream are used: where an open round goes on."""

    def __init__(self, server_seed: bytes, client_seed: str, nonce: int, taken: int = 0) -> None:
        self._key = server_seed
        self._message = f"{checked_client_seed(client_seed)}:{nonce}"
        self.taken = taken

    def below(self, bound: int) -> int:
        """Mask to the bound's bits and reject what is too large, big-endian from whole bytes."""
        if bound < 1:
            raise ValueError(f"no integer is below {bound} and not negative")
        bits = (bound - 1).bit_length()
        size, mask = (bits + 7) // 8, (1 << bits) - 1
        while True:
            candidate = int.from_bytes(self._take(size), "big") & mask
            if candidate < bound:
                return candidate

    def _take(self, size: int) -> bytes:
        first, offset = divmod(self.taken, hashlib.sha256().digest_size)
        last = (self.taken + size - 1) // hashlib.sha256().digest_size
        self.taken += size
        blocks = b"".join(self._block(cursor) for cursor in range(first, last + 1))
        return blocks[offset : offset + size]

    def _block(self, cursor: int) -> bytes:
        return hmac.digest(self._key, f"{self._message}:{cursor}".encode(), "sha256")


def checked_client_seed(seed: object) -> str:
    """Raises ChoiceInvalid for another shape than 1 to 64 letters, digits, "-" and "_"."""
    if not isinstance(seed, str) or CLIENT_SEED.fullmatch(seed) is None:
        raise ChoiceInvalid("A client seed has 1 to 64 letters, digits, hyphens and underscores.")
    return seed


@dataclass(frozen=True, slots=True)
class Revealed:
    """A seed that is no longer in use, with the rounds that were drawn from it: nonces 0 to `rounds` - 1."""

    server_seed: str
    commitment: str
    client_seed: str
    rounds: int


@dataclass(frozen=True, slots=True)
class SeedPair:
    """A player's seeds. The next server seed is drawn and committed to before the player names a client seed for it.

    Neither seed is shown by `repr`. `nonce` is that of the next round.
    """

    server_seed: bytes = field(repr=False)
    next_server_seed: bytes = field(repr=False)
    client_seed: str
    nonce: int = 0

    def __post_init__(self) -> None:
        checked_client_seed(self.client_seed)
        if len(self.server_seed) != SEED_BYTES or len(self.next_server_seed) != SEED_BYTES:
            raise ValueError(f"a server seed has {SEED_BYTES} bytes")
        if self.server_seed == self.next_server_seed:
            raise ValueError("a server seed is used once")

    def public(self) -> dict[str, Any]:
        """What the player may see now."""
        return {
            "commitment": commitment(self.server_seed),
            "next_commitment": commitment(self.next_server_seed),
            "client_seed": self.client_seed,
            "nonce": self.nonce,
        }

    def next_round(self) -> tuple[FairDraw, SeedPair]:
        """The draws of the next round, and the pair afterwards: store it with the round, or a nonce is used twice."""
        return FairDraw(self.server_seed, self.client_seed, self.nonce), replace(self, nonce=self.nonce + 1)

    def rotate(self, client_seed: str, fresh: bytes) -> tuple[Revealed, SeedPair]:
        """Reveal the seed and go on with the next one under a client seed of the player's choice.

        `fresh` is a new seed from the generator. Do not rotate while a round is open: it would be revealed with it.
        """
        revealed = Revealed(self.server_seed.hex(), commitment(self.server_seed), self.client_seed, self.nonce)
        return revealed, SeedPair(self.next_server_seed, fresh, client_seed)


class ProofInvalid(CasinoError):
    status, code = 422, "PROOF_INVALID"
    rule = "a proof holds commitment, server_seed, client_seed, nonce, game_id, version, stake_minor, choices, actions"
    remedy = "Take the proof from the round's history after the server seed was revealed."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a proof comes to. `faults` is empty when the round was played as was committed to."""

    win_minor: int | None
    outcome: Mapping[str, Any]
    faults: tuple[str, ...]

    @property
    def fair(self) -> bool:
        return not self.faults


def verify_round(definition: Definition, proof: Mapping[str, Any]) -> Verdict:
    """Play a round again from its revealed seed.

    `proof`: commitment and server_seed in hexadecimal, client_seed, nonce, game_id, version, stake_minor, choices,
    actions (a list, for games of several steps) and win_minor as it was paid. Raises ProofInvalid when one is missing
    or malformed, or when the round is of another version than the definition.
    """
    try:
        seed = bytes.fromhex(proof["server_seed"])
        nonce, stake, paid = (_whole(proof[key]) for key in ("nonce", "stake_minor", "win_minor"))
        told = str(proof["commitment"]).lower()
        played = (str(proof["game_id"]), str(proof["version"]))
        actions = list(proof.get("actions", []))
        draw = FairDraw(seed, proof["client_seed"], nonce)
        choices = dict(proof["choices"])
    except (KeyError, TypeError, ValueError) as error:
        raise ProofInvalid(f"The proof cannot be used: {error}.") from error
    if played != (definition.game_id, definition.version):
        raise ProofInvalid(f"The round is of {' '.join(played)}, not of {definition.game_id} {definition.version}.")
    if len(actions) > MAX_ACTIONS:
        raise ProofInvalid("The proof has more actions than a round can have.")
    state = start(definition, stake, choices, draw)
    for action in actions:
        state = act(definition, state, action, draw)
    faults = []
    if not hmac.compare_digest(commitment(seed), told):
        faults.append("the server seed is not the one that was committed to")
    if not state.closed:
        faults.append("the round is not over: actions are missing")
    elif state.win_minor != paid:
        faults.append(f"the round pays {state.win_minor}, but {paid} was paid")
    return Verdict(state.win_minor if state.closed else None, state.visible()["data"], tuple(faults))


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value
