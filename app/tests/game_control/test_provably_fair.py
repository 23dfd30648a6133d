"""Commitments, seeds, and the verifier."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from dataclasses import asdict
from typing import Any

import pytest
from casino.__main__ import main
from casino.game_control.catalogue import load_catalogue
from casino.game_control.definition import act, start
from casino.game_control.fair import FairDraw, ProofInvalid, SeedPair, Verdict, commitment, verify_round
from casino.game_control.rounds import ChoiceInvalid
from hypothesis import given
from hypothesis import strategies as st

GAMES = load_catalogue()
SEEDS = st.binary(min_size=32, max_size=32)
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(SEEDS, NAMES, st.integers(0, 1 << 40), st.lists(st.integers(1, 1 << 60), min_size=1, max_size=30))
def test_draws_are_the_documented_stream_by_rejection(seed: bytes, client: str, nonce: int, bounds: list[int]) -> None:
    """Written again from the description: one byte string, read from its start."""
    stream = b"".join(
        hmac.new(seed, f"{client}:{nonce}:{cursor}".encode(), hashlib.sha256).digest() for cursor in range(200)
    )
    draw, place = FairDraw(seed, client, nonce), 0
    for bound in bounds:
        bits = (bound - 1).bit_length()
        while True:
            size = (bits + 7) // 8
            number = int.from_bytes(stream[place : place + size], "big") % (1 << bits)
            place += size
            if number < bound:
                break
        assert draw.below(bound) == number
    assert draw.taken == place
    assert FairDraw(seed, client, nonce, place).below(1 << 64) == draw.below(1 << 64)


def test_dice_from_fair_draws_are_uniform() -> None:
    draws = 20_000
    counts = Counter(FairDraw(bytes(32), "player", nonce).below(6) for nonce in range(draws))
    assert sum((counts[face] - draws / 6) ** 2 / (draws / 6) for face in range(6)) < 5 + 8 * 10**0.5 + 10


@given(SEEDS, SEEDS, SEEDS, NAMES, NAMES)
def test_what_was_committed_to_is_what_is_revealed(
    first: bytes, second: bytes, third: bytes, client: str, other: str
) -> None:
    if len({first, second, third}) < 3:
        return
    pair = SeedPair(first, second, client)
    told = pair.public()
    for rounds in range(3):
        draw, pair = pair.next_round()
        assert draw.below(1 << 32) == FairDraw(first, client, rounds).below(1 << 32)
    revealed, after = pair.rotate(other, third)
    assert revealed.rounds == 3 and revealed.commitment == told["commitment"]
    assert commitment(bytes.fromhex(revealed.server_seed)) == told["commitment"]
    # The next seed was committed to before the player named the client seed for it.
    assert after.public()["commitment"] == told["next_commitment"] and after.nonce == 0


def test_a_seed_is_shown_by_nothing_before_it_is_revealed() -> None:
    pair = SeedPair(b"\x01" * 32, b"\x02" * 32, "me")
    shown = repr(pair) + json.dumps(pair.public())
    assert not any(text in shown for text in ("\\x01", "0101", "\\x02", "0202"))


@pytest.mark.parametrize("seed", ["", "a b", "a:1", "x" * 65, "ä", 7])
def test_a_client_seed_of_another_shape_is_refused(seed: Any) -> None:
    with pytest.raises(ChoiceInvalid):
        SeedPair(b"\x01" * 32, b"\x02" * 32, seed)


@pytest.mark.parametrize("seeds", [(b"", b"\x02" * 32), (b"\x01" * 32, b"\x01" * 32)])
def test_server_seeds_are_whole_and_used_once(seeds: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="server seed"):
        SeedPair(*seeds, "me")


def proof_of(game: str, choices: dict[str, Any], actions: list[dict[str, Any]]) -> dict[str, Any]:
    pair = SeedPair(b"\x11" * 32, b"\x12" * 32, "me", nonce=4)
    draw, after = pair.next_round()
    definition = GAMES[game]
    state = start(definition, 100, choices, draw)
    for action in actions:
        state = act(definition, state, action, draw)
    told, (revealed, _) = pair.public(), after.rotate("me", b"\x13" * 32)
    return {
        "commitment": told["commitment"],
        "server_seed": revealed.server_seed,
        "client_seed": "me",
        "nonce": told["nonce"],
        "game_id": game,
        "version": definition.version,
        "stake_minor": 100,
        "choices": choices,
        "actions": actions,
        "win_minor": state.win_minor,
    }


PROOFS = [
    proof_of("signal-dice", {"side": "over", "faces": 5000}, []),
    proof_of("squall", {"cash_out_at": 101}, []),
    proof_of("squall", {"cash_out_at": None}, [{"action": "cash_out", "tick": 30}]),
    proof_of("tidewater-poker", {}, [{"action": "draw", "hold": [0, 2]}]),
]


@pytest.mark.parametrize("proof", PROOFS)
def test_an_honest_round_verifies(proof: dict[str, Any]) -> None:
    verdict = verify_round(GAMES[proof["game_id"]], proof)
    assert verdict.fair and verdict.win_minor == proof["win_minor"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"server_seed": "22" * 32}, "committed"),
        ({"win_minor": 123_456}, "was paid"),
        ({"commitment": "00"}, "committed"),
    ],
)
@pytest.mark.parametrize("proof", PROOFS)
def test_a_round_that_was_tampered_with_is_told(proof: dict[str, Any], change: dict[str, Any], fault: str) -> None:
    verdict: Verdict = verify_round(GAMES[proof["game_id"]], proof | change)
    assert not verdict.fair and any(fault in text for text in verdict.faults)


def test_a_round_without_its_end_is_told() -> None:
    verdict = verify_round(GAMES["squall"], PROOFS[2] | {"actions": []})
    assert verdict.win_minor is None and "not over" in verdict.faults[0]
    assert "crash_point" not in asdict(verdict)["outcome"]


@pytest.mark.parametrize(
    "change",
    [{"server_seed": "x"}, {"nonce": -1}, {"nonce": "1"}, {"choices": None}, {"version": "2.0.0"}, {"actions": 7}],
)
def test_a_proof_without_use_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProofInvalid):
        verify_round(GAMES["signal-dice"], PROOFS[0] | change)


def test_the_command_says_fair_or_not(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(PROOFS[0]))
    assert main(["fair", "verify", str(file)]) == 0
    assert capsys.readouterr().out.startswith("fair: ")
    file.write_text(json.dumps(PROOFS[0] | {"win_minor": 7}))
    assert main(["fair", "verify", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["fair"] is False
    for text in ("[]", "{}", "no json", json.dumps(PROOFS[0] | {"game_id": "unheard-of"})):
        file.write_text(text)
        assert main(["fair", "verify", str(file)]) == 2
    assert main(["fair", "verify", str(tmp_path / "none.json")]) == 2
