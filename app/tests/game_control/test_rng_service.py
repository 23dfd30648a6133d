"""The generator as a service: known answers, health tests, sources, reseeding, and failure for good."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import itertools
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from casino.game_control import drbg, rng
from casino.game_control.drbg import KNOWN_ANSWERS, HmacDrbg, RngFailure, known_answer_test
from casino.game_control.entropy import EntropySource, HsmReader, HsmSetting, MixedEntropy, build_entropy
from casino.game_control.health import WINDOW, HealthTests, proportion_cutoff, repetition_cutoff
from casino.game_control.rng import RandomNumberGenerator
from casino.kernel.errors import ConfigurationError
from hypothesis import given, settings
from hypothesis import strategies as st


def reference(entropy: bytes, nonce: bytes, personal: bytes, requests: list[int | bytes]) -> list[bytes]:
    """HMAC_DRBG written from the standard's steps (10.1.2.2 to 10.1.2.5): sizes are requests, bytes are reseeds."""

    def mac(key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, hashlib.sha256).digest()

    def update(key: bytes, value: bytes, provided: bytes) -> tuple[bytes, bytes]:
        for separator in (b"\x00", b"\x01") if provided else (b"\x00",):
            key = mac(key, value + separator + provided)
            value = mac(key, value)
        return key, value

    key, value = update(bytes(32), b"\x01" * 32, entropy + nonce + personal)
    outputs = []
    for request in requests:
        if isinstance(request, bytes):
            key, value = update(key, value, request)
            continue
        temp = b""
        while len(temp) < request:
            value = mac(key, value)
            temp += value
        outputs.append(temp[:request])
        key, value = update(key, value, b"")
    return outputs


@given(
    st.binary(min_size=32, max_size=48),
    st.binary(min_size=16, max_size=16),
    st.binary(max_size=40),
    st.lists(st.integers(1, 300) | st.binary(min_size=32, max_size=32), max_size=8),
)
def test_the_generator_is_the_standards(
    entropy: bytes, nonce: bytes, personal: bytes, requests: list[int | bytes]
) -> None:
    mine = HmacDrbg(entropy, nonce, personal)
    outputs = []
    for request in requests:
        if isinstance(request, bytes):
            mine.reseed(request)
        else:
            outputs.append(mine.generate(request))
    assert outputs == reference(entropy, nonce, personal, requests)


def test_nists_vectors_are_those_of_the_reference_too() -> None:
    assert {answer.reseed is None for answer in KNOWN_ANSWERS} == {True, False}
    for answer in KNOWN_ANSWERS:
        expected = bytes.fromhex(answer.returned)
        requests: list[int | bytes] = [len(expected), len(expected)]
        if answer.reseed is not None:
            requests.insert(0, bytes.fromhex(answer.reseed))
        outputs = reference(bytes.fromhex(answer.entropy), bytes.fromhex(answer.nonce), b"", requests)
        assert outputs[1] == expected


@pytest.mark.parametrize("answer", KNOWN_ANSWERS)
def test_a_generator_that_does_not_reproduce_an_answer_is_refused(answer: drbg.KnownAnswer) -> None:
    wrong = dataclasses.replace(answer, returned=answer.returned[:-1] + "f")
    with pytest.raises(RngFailure, match="known answers"):
        known_answer_test([wrong])


@pytest.mark.parametrize(("min_entropy", "cutoff"), [(1, 41), (2, 21), (6, 8), (8, 6), (0.5, 81)])
def test_the_repetition_cutoff_is_the_standards_formula(min_entropy: float, cutoff: int) -> None:
    """alpha = 2**-40: a run of C equal samples has a chance of at most 2**(-H (C - 1))."""
    assert repetition_cutoff(min_entropy) == cutoff
    assert 2 ** (-min_entropy * (cutoff - 1)) <= 2**-40 < 2 ** (-min_entropy * (cutoff - 2))


@pytest.mark.parametrize("alpha_bits", [20, 30, 40])
@pytest.mark.parametrize(("min_entropy", "window"), [(1, 1024), (2, 512), (4, 512), (6, 512), (8, 512), (1, 64)])
def test_the_proportion_cutoff_is_the_least_that_the_binomial_allows(
    min_entropy: int, window: int, alpha_bits: int
) -> None:
    """By another way: whole numbers of the binomial distribution, summed from below."""
    cutoff = proportion_cutoff(min_entropy, window, alpha_bits)
    base = 2**min_entropy
    whole = base**window
    below, k = 0, -1
    while Fraction(below, whole) < 1 - Fraction(1, 2**alpha_bits):
        k += 1
        below += math.comb(window, k) * (base - 1) ** (window - k)
    assert cutoff == 1 + k


def test_the_proportion_cutoffs_of_the_standards_table_hold() -> None:
    """SP 800-90B's example: alpha 2**-20 and a binary window of 1024 with one bit of entropy gives 589 or so."""
    assert proportion_cutoff(1, 1024, 20) == 589
    assert proportion_cutoff(8, 512, 20) == 13


def test_a_run_as_long_as_the_cutoff_fails_and_a_shorter_one_does_not() -> None:
    cutoff = repetition_cutoff(6.0)
    HealthTests(6.0, "x").feed(b"\x05" * (cutoff - 1) + b"\x06" * (cutoff - 1))
    tests = HealthTests(6.0, "x")
    tests.feed(b"\x01\x05\x05")
    with pytest.raises(RngFailure, match=r"4\.4\.1"):
        tests.feed(b"\x05" * (cutoff - 2))


def test_one_value_too_often_in_a_window_fails() -> None:
    """Never twice in a row, so that the repetition count sees nothing."""
    cutoff = proportion_cutoff(6.0)
    others = itertools.cycle(range(1, 256))
    often = bytes(itertools.chain.from_iterable((0, next(others)) for _ in range(cutoff)))
    with pytest.raises(RngFailure, match=r"4\.4\.2"):
        HealthTests(6.0, "x").feed(often)
    seldom = bytes(0 if n % 16 == 0 else next(others) for n in range(10 * WINDOW))
    HealthTests(6.0, "x").feed(seldom)


def test_the_operating_systems_entropy_passes() -> None:
    EntropySource().start_up()
    HealthTests(6.0, "x").feed(os.urandom(100_000))


class Source:
    """An entropy source that is told to fail."""

    def __init__(self) -> None:
        self.reads: list[int] = []
        self.broken = False

    def __call__(self, size: int) -> bytes:
        self.reads.append(size)
        return bytes(size) if self.broken else os.urandom(size)


class Clock:
    def __init__(self) -> None:
        from casino.kernel.clock import SystemClock

        self.time = SystemClock().now()

    def now(self) -> Any:
        return self.time

    def forward(self, seconds: float) -> None:
        from datetime import timedelta

        self.time += timedelta(seconds=seconds)


def test_a_failure_stops_play_for_good() -> None:
    source = Source()
    generator = RandomNumberGenerator("test", EntropySource(source))
    assert generator.failure is None and generator.below(10) < 10
    source.broken = True
    with pytest.raises(RngFailure, match="repeats"):
        generator.reseed()
    source.broken = False
    reads = len(source.reads)
    for call in (lambda: generator.below(2), lambda: generator.random_bytes(1), lambda: generator.shuffle([1, 2])):
        with pytest.raises(RngFailure, match="repeats") as refused:
            call()
    assert (refused.value.status, refused.value.code) == (503, "RNG_FAILED")
    assert generator.failure is not None and len(source.reads) == reads


def test_a_source_that_errs_stops_play_as_well() -> None:
    def dead(size: int) -> bytes:
        raise OSError("gone")

    source = EntropySource()
    generator = RandomNumberGenerator("test", source)
    source._read = dead
    with pytest.raises(RngFailure):
        generator.reseed()
    assert generator.failure == "OSError"


def test_it_reseeds_by_time_and_when_the_clock_was_set_back() -> None:
    source, clock = Source(), Clock()
    generator = RandomNumberGenerator("test", EntropySource(source), clock)
    for seconds, reseeds in ((drbg.RESEED_SECONDS - 1, 0), (1, 1), (1, 0), (-60, 1), (drbg.RESEED_SECONDS * 9, 1)):
        before = len(source.reads)
        clock.forward(seconds)
        generator.below(256)
        assert len(source.reads) - before == reseeds, seconds


def test_it_reseeds_by_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rng, "RESEED_INTERVAL", 3)
    source = Source()
    generator = RandomNumberGenerator("test", EntropySource(source), Clock())
    before = len(source.reads)
    for _ in range(12):
        generator.random_bytes(256)
    assert len(source.reads) - before == 3


def test_the_personalisation_and_nothing_of_a_round_enters_the_state() -> None:
    seeded = [RandomNumberGenerator(name, EntropySource(_Counting(), min_entropy=6.0)) for name in ("a", "a", "b")]
    one, same, other = (generator.random_bytes(32) for generator in seeded)
    assert one == same != other


class _Counting:
    """The same bytes each time it is made, healthy by the tests."""

    def __init__(self) -> None:
        self._drbg = HmacDrbg(bytes(32), bytes(16))

    def __call__(self, size: int) -> bytes:
        return self._drbg.generate(size)


@given(st.lists(st.integers(1, 700), max_size=10))
@settings(max_examples=5)
def test_raw_output_is_the_generators_stream(sizes: list[int]) -> None:
    """However it is asked for: what is collected for a laboratory is what games draw from."""
    one, other = (RandomNumberGenerator("t", EntropySource(_Counting()), Clock()) for _ in range(2))
    pieces = b"".join(one.random_bytes(size) for size in sizes)
    assert pieces[:256] == bytes(other.below(256) for _ in range(min(256, len(pieces))))
    with pytest.raises(ValueError, match="no output"):
        one.random_bytes(-1)


def test_a_large_request_is_served_in_pieces() -> None:
    assert len(RandomNumberGenerator("t").random_bytes(300_000)) == 300_000


def test_mixed_sources_both_enter_the_seed_and_each_is_tested() -> None:
    one, other = Source(), Source()
    mixed = MixedEntropy([EntropySource(one, "one"), EntropySource(other, "other")])
    mixed.start_up()
    assert len(mixed.read(32)) == 64
    other.broken = True
    with pytest.raises(RngFailure, match="other repeats"):
        RandomNumberGenerator("t", mixed)


SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "271828"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HsmSetting]:
    """A token of SoftHSM, in a folder of the test's own."""
    if shutil.which("softhsm2-util") is None or not Path(SOFTHSM).exists():
        pytest.skip("softhsm2 is not installed: `apt-get install softhsm2`")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "casino", "--pin", PIN, "--so-pin", PIN],
        check=True,
        capture_output=True,
    )
    yield HsmSetting(module=SOFTHSM, token_label="casino", pin=PIN)  # type: ignore[arg-type]
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def test_a_pkcs11_token_gives_entropy(token: HsmSetting) -> None:
    source = EntropySource(HsmReader(token), "of the HSM")
    source.start_up()
    assert len(source.read(5000)) == 5000
    assert source.read(32) != source.read(32)
    generator = RandomNumberGenerator("t", build_entropy(token))
    assert isinstance(generator._source, MixedEntropy)
    generator.reseed()
    assert sorted(generator.shuffle(range(52))) == list(range(52))


def test_a_forked_process_opens_the_token_anew(token: HsmSetting) -> None:
    generator = RandomNumberGenerator("t", build_entropy(token))
    generator.below(2)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, generator.random_bytes(32))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    theirs = os.read(read, 32)
    assert len(theirs) == 32 and theirs != generator.random_bytes(32)


@pytest.mark.parametrize(
    "change", [{"token_label": "other"}, {"module": "/nowhere/lib.so"}], ids=lambda c: next(iter(c))
)
def test_an_hsm_that_is_not_there_refuses_the_start_without_its_pin(token: HsmSetting, change: Any) -> None:
    setting = HsmSetting(**(token.model_dump() | change))
    with pytest.raises(ConfigurationError, match="token") as refused:
        RandomNumberGenerator("t", build_entropy(setting))
    assert PIN not in str(refused.value) and PIN not in repr(setting)


def test_a_wrong_pin_refuses_the_start(token: HsmSetting) -> None:
    """In a process of its own: a log-in holds for all sessions of a process."""
    program = (
        "from casino.game_control.entropy import HsmReader, HsmSetting\n"
        f"HsmReader(HsmSetting(module={SOFTHSM!r}, token_label='casino', pin='000000'))(32)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert (
        "ConfigurationError: the HSM's token 'casino' cannot be opened" in done.stderr and "PinIncorrect" in done.stderr
    )
    assert "000000" not in done.stderr.splitlines()[-1]
