"""What laboratories run: collection, figures, simulations; the settings behind; dieharder on a stream."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from casino.__main__ import main
from casino.game_control.api import build_generator
from casino.game_control.catalogue import definition_texts
from casino.game_control.collect import collect, width_of
from casino.game_control.drbg import RngFailure
from casino.game_control.progress import Progress
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.settings import GameControlSettings, load_game_settings
from casino.kernel.errors import ConfigurationError


def test_raw_output_is_collected_once_and_written_over_only_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "raw.bin"
    command = ["rng", "collect", "--raw", "--bytes", "100000", "--output", str(file)]
    assert main([*command, "--json"]) == 0
    report, first = json.loads(capsys.readouterr().out), file.read_bytes()
    assert report["bytes"] == len(first) == 100_000
    assert main(command) == 2 and file.read_bytes() == first
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0 and file.read_bytes() != first


@pytest.mark.parametrize(("bound", "width"), [(1, 1), (2, 1), (37, 1), (256, 1), (257, 2), (10_000, 2), (2**52, 7)])
def test_scaled_output_is_numbers_below_the_bound(tmp_path: Path, bound: int, width: int) -> None:
    file = tmp_path / "scaled.bin"
    size = str(500 * width)
    assert width_of(bound) == width
    assert main(["rng", "collect", "--scaled", "--bound", str(bound), "--bytes", size, "--output", str(file)]) == 0
    data = file.read_bytes()
    numbers = [int.from_bytes(data[at : at + width], "big") for at in range(0, len(data), width)]
    assert len(numbers) == 500 and max(numbers) < bound
    assert bound > 1000 or len(Counter(numbers)) > min(bound, 100) // 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--raw", "--bound", "5", "--bytes", "10"],
        ["--scaled", "--bytes", "10"],
        ["--scaled", "--bound", "300", "--bytes", "11"],
    ],
)
def test_a_collection_that_makes_no_sense_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "x.bin"
    assert main(["rng", "collect", *arguments, "--output", str(file)]) == 2
    assert not file.exists()
    assert main(["rng", "collect", "--raw", "--bytes", "4", "--output", str(tmp_path / "no" / "x")]) == 2


def test_what_was_half_collected_is_removed(tmp_path: Path) -> None:
    generator = RandomNumberGenerator("t")

    def interrupt(done: int) -> None:
        raise RngFailure("now")

    with pytest.raises(RngFailure):
        collect(generator, tmp_path / "x.bin", 200_000, progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_figures_are_computed_and_refused_when_they_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["games", "figures", "harbour-roulette", "squall", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["figures"]["harbour-roulette"]["red"]["rtp"] == "36/37" and not report["refused"]
    file = tmp_path / "mine.json"
    document = json.loads(definition_texts()["harbour-roulette.json"])
    document["bets"]["red"]["pays"] = 2
    file.write_text(json.dumps(document, indent=2))
    assert main(["games", "figures", "--definition", str(file)]) == 1
    assert "54/37" in capsys.readouterr().err
    assert main(["games", "figures", "--definition", str(file), "--write"]) == 0
    assert main(["games", "figures", "--definition", str(file)]) == 0
    assert main(["games", "figures", "unheard-of"]) == 2
    assert main(["games", "figures", "--write"]) == 2


def test_a_simulation_agrees_by_the_casinos_own_generator(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["games", "simulate", "harbour-roulette", "--rounds", "2000", "--wager", "red"]
    assert main([*command, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert result["agrees"] and result["rounds"] == 2000
    assert main(command) == 0 and "agrees" in capsys.readouterr().out
    assert main(["games", "simulate", "lantern-blackjack", "--wager", "insurance"]) == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_alone() -> None:
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        with Progress("collecting", 10, stream) as progress:
            for done in range(11):
                progress(done)
        assert ("100 %" in stream.getvalue()) is shown
        assert stream.getvalue().endswith("\r\x1b[K") is shown


def test_an_hsm_is_set_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_game_settings().hsm is None
    monkeypatch.setenv("CASINO_HSM_MODULE", "/nowhere/lib.so")
    with pytest.raises(ConfigurationError, match="CASINO_HSM_TOKEN"):
        _ = load_game_settings().hsm
    monkeypatch.setenv("CASINO_HSM_TOKEN", "casino")
    monkeypatch.setenv("CASINO_HSM_PIN_FILE", str(tmp_path / "pin"))
    with pytest.raises(ConfigurationError, match="PIN"):
        _ = load_game_settings().hsm
    (tmp_path / "pin").write_text("4711\n")
    setting = load_game_settings().hsm
    assert setting is not None and setting.pin is not None
    assert setting.pin.get_secret_value() == "4711" and "4711" not in repr(setting)
    with pytest.raises(ConfigurationError, match="HSM"):
        build_generator(load_game_settings())


# Test numbers with samples for each of ten p-values. Only tests that stay valid with so few: count_1s, for one, calls
# every source a failure below its own 256,000 samples.
DIEHARDER = {0: 100, 3: 20_000, 15: 100_000, 100: 100_000, 101: 100_000}


@pytest.mark.skipif(shutil.which("dieharder") is None, reason="dieharder is not installed: `apt-get install dieharder`")
def test_dieharder_finds_no_fault(tmp_path: Path) -> None:
    """Few tests with few samples, from a file: `dieharder -a` over a long stream is in docs/games.md."""
    generator = build_generator(GameControlSettings())
    file = tmp_path / "stream.bin"
    collect(generator, file, 12 << 20)
    values = []
    for test, samples in DIEHARDER.items():
        command = ["dieharder", "-d", str(test), "-g", "201", "-f", str(file), "-p", "10", "-t", str(samples)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        values += [float(value) for value in re.findall(r"\|\s*([01]\.\d+)\s*\|\s*(?:PASSED|WEAK|FAILED)", output)]
    assert len(values) >= len(DIEHARDER)
    # A p-value below one in a million: a false alarm once in about a hundred thousand runs.
    assert min(values) > 1e-6, values


def test_dieharder_would_find_a_fault(tmp_path: Path) -> None:
    """A counter in the place of the generator."""
    if shutil.which("dieharder") is None:
        pytest.skip("dieharder is not installed: `apt-get install dieharder`")
    file = tmp_path / "stream.bin"
    file.write_bytes(b"".join(number.to_bytes(4, "little") for number in range(1 << 20)))
    command = ["dieharder", "-d", "100", "-g", "201", "-f", str(file), "-p", "10", "-t", "50000"]
    assert "FAILED" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_generator_is_named_after_its_tenant() -> None:
    """Two tenants' generators never share a state, were their entropy the same."""
    names: list[Any] = [build_generator(GameControlSettings(CASINO_TENANT=t))._personalisation for t in ("a", "b")]
    assert names == [b"casino a", b"casino b"]
