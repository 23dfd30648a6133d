"""The signed manifest: what it covers, and that whatever differs is disabled."""

from __future__ import annotations

import ast
import json
import os
import py_compile
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from casino.__main__ import main
from casino.compliance.api import parse_rules
from casino.game_control.api import build
from casino.game_control.catalogue import KINDS
from casino.game_control.manifest import (
    GENERATOR,
    KIND_FILES,
    SHARED_FILES,
    ManifestInvalid,
    describe,
    files_of,
    open_envelope,
    sign,
    verify,
)
from casino.game_control.manifest_files import PACKAGE, altered_bytecode, digests, games_present, public_key_of
from casino.game_control.settings import GameControlSettings
from casino.game_control.verification import SoftwareVerification, build_verification
from casino.kernel.errors import ConfigurationError
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

KEY = Ed25519PrivateKey.generate()
PUBLIC = public_key_of(KEY)
GAMES, VERSIONS = games_present()
MANIFEST = describe(GAMES, VERSIONS, digests(), "2026-01-01T00:00:00+00:00")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def imported(file: Path) -> Iterator[str]:
    """The files of this package that a file imports, those for types alone left out."""
    tree = ast.parse(file.read_text())
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in typing_only:
            prefix, _, rest = (node.module or "").partition("casino.game_control.")
            if not prefix and rest:
                yield rest.replace(".", "/") + ".py"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_games_component_has_every_file_that_its_outcomes_go_through(kind: str) -> None:
    (own,) = [name for name in KIND_FILES[kind] if name == f"engines/{kind}.py"]
    reached, waiting = set(), [own]
    while waiting:
        name = waiting.pop()
        if name not in reached and (PACKAGE / name).exists():
            reached.add(name)
            waiting += imported(PACKAGE / name)
    assert reached <= {*KIND_FILES[kind], *SHARED_FILES}, reached - {*KIND_FILES[kind], *SHARED_FILES}


def test_every_engine_belongs_to_a_game() -> None:
    engines = {f"engines/{file.name}" for file in (PACKAGE / "engines").glob("*.py")} - {"engines/__init__.py"}
    assert engines == {name for files in KIND_FILES.values() for name in files if name.startswith("engines/")}
    assert set(KIND_FILES) == set(KINDS)


def test_what_was_signed_verifies() -> None:
    manifest = open_envelope(sign(MANIFEST, KEY).model_dump_json(), PUBLIC)
    result = verify(manifest, GAMES, digests())
    assert result.ok and set(result.components) == {*GAMES, GENERATOR}
    assert result.components == {name: component.signature for name, component in manifest.components.items()}


@pytest.mark.parametrize(
    ("path", "components"),
    [
        ("games/squall.json", {"squall"}),
        ("engines/blackjack_hands.py", {"lantern-blackjack"}),
        ("engines/cards.py", {"lantern-blackjack", "quayside-baccarat", "tidewater-poker"}),
        ("drbg.py", {*GAMES, GENERATOR}),
        ("figures.py", set(GAMES)),
        ("commands.py", set()),
    ],
)
def test_a_file_that_differs_disables_the_components_it_belongs_to(path: str, components: set[str]) -> None:
    changed = digests() | {path: "0" * 64}
    missing = {name: digest for name, digest in digests().items() if name != path}
    for found, kind in ((changed, "changed"), (missing, "missing")):
        result = verify(MANIFEST, GAMES, found)
        assert result.disabled == components and {fault.kind for fault in result.faults} <= {kind}
    assert verify(MANIFEST, GAMES, digests(), frozenset({path})).disabled == components


def test_a_game_or_a_file_that_nobody_signed_is_disabled() -> None:
    more = GAMES | {"stowaway": ("dice", "stowaway.json")}
    assert verify(MANIFEST, more, digests()).disabled == {"stowaway"}
    unlisted = MANIFEST.model_copy(
        update={
            "components": MANIFEST.components
            | {
                "squall": MANIFEST.components["squall"].model_copy(
                    update={"files": {k: v for k, v in MANIFEST.components["squall"].files.items() if k != "rng.py"}}
                )
            }
        }
    )
    assert verify(unlisted, GAMES, digests()).disabled == {"squall"}


def test_a_manifest_that_another_signed_or_changed_is_refused() -> None:
    text = sign(MANIFEST, KEY).model_dump_json()
    document = json.loads(text)
    document["manifest"]["components"]["squall"]["files"]["rng.py"] = "0" * 64
    for forged, key in (
        (json.dumps(document), PUBLIC),
        (text, public_key_of(Ed25519PrivateKey.generate())),
        (text, "not base64!"),
        (text, "AAAA"),
        ("{}", PUBLIC),
        (json.dumps(json.loads(text) | {"signature": "?"}), PUBLIC),
    ):
        with pytest.raises(ManifestInvalid):
            open_envelope(forged, key)


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of the package, with its manifest beside it."""
    package = tmp_path / "game_control"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "manifest.json").write_text(sign(MANIFEST, KEY).model_dump_json())
    return package


def verification(package: Path, clock: Clock | None = None, **more: Any) -> SoftwareVerification:
    return SoftwareVerification(package.parent / "manifest.json", PUBLIC, clock or Clock(), package=package, **more)


def test_an_installation_is_verified_by_its_files(installation: Path) -> None:
    assert verification(installation).run().ok
    file = installation / "games" / "signal-dice.json"
    file.write_text(file.read_text().replace('"9000": 110', '"9000": 111'))
    assert verification(installation).run().disabled == {"signal-dice"}
    for spoilt in (b"no json any more", b"\xff\xfe", b"[" * 100_000, b""):
        file.write_bytes(spoilt)
        assert verification(installation).run().disabled == {"signal-dice"}
    (installation.parent / "manifest.json").write_text("{}")
    assert verification(installation).run().disabled >= {"squall", GENERATOR}
    (installation.parent / "manifest.json").unlink()
    assert not verification(installation).run().ok


def test_a_cache_that_is_not_its_sources_is_found(installation: Path) -> None:
    """The source is as signed; what Python would run is not."""
    source = installation / "engines" / "dice.py"
    cached = Path(py_compile.compile(str(source), doraise=True))
    assert altered_bytecode(installation) == frozenset()
    honest, stamp = source.read_bytes(), source.stat()
    source.write_bytes(honest.replace(b"face < faces if", b"face <= faces if"))
    py_compile.compile(str(source), cfile=str(cached), doraise=True)
    source.write_bytes(honest)
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    result = verification(installation).run()
    assert result.disabled == {"signal-dice"} and result.faults[0].kind == "bytecode"
    cached.write_bytes(cached.read_bytes()[:16] + b"junk")
    assert verification(installation).run().disabled == {"signal-dice"}
    cached.write_bytes(b"compiled by another Python")
    assert verification(installation).run().ok


def test_it_runs_every_24_hours_and_tells_its_result(installation: Path) -> None:
    clock, told = Clock(), []
    verified = verification(installation, clock, on_result=told.append)
    for hours, runs in ((0, 1), (23, 1), (24, 2), (30, 2), (48, 3), (2, 4)):
        clock.time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        verified.run_if_due()
        assert len(told) == runs, hours


def test_the_settings_name_both_or_none() -> None:
    assert build_verification(GameControlSettings(), Clock()) is None
    for settings in (
        GameControlSettings(CASINO_GAMES_MANIFEST=Path("m")),  # type: ignore[call-arg]
        GameControlSettings(CASINO_GAMES_MANIFEST_KEY="k"),
    ):
        with pytest.raises(ConfigurationError, match="CASINO_GAMES_MANIFEST_KEY"):
            build_verification(settings, Clock())


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A manifest of this installation that the command wrote, set in the environment."""
    key, file = tmp_path / "key.pem", tmp_path / "manifest.json"
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert main(["games", "manifest", "--key", str(key), "--output", str(file)]) == 0
    assert f"CASINO_GAMES_MANIFEST_KEY={PUBLIC}" in capsys.readouterr().out
    monkeypatch.setenv("CASINO_GAMES_MANIFEST", str(file))
    monkeypatch.setenv("CASINO_GAMES_MANIFEST_KEY", PUBLIC)
    return file


def test_the_commands_sign_and_verify(signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["games", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert main(["games", "manifest", "--key", str(tmp_path / "key.pem"), "--output", str(signed)]) == 2
    document = json.loads(signed.read_text())
    document["manifest"]["components"]["squall"]["version"] = "2.0.0"
    signed.write_text(json.dumps(document))
    assert main(["games", "verify"]) == 1 and "VERIFICATION FAILED" in capsys.readouterr().out
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for contents in (b"no key", other):
        (tmp_path / "other.pem").write_bytes(contents)
        assert main(["games", "manifest", "--key", str(tmp_path / "other.pem"), "--output", str(tmp_path / "m")]) == 2


def test_without_a_manifest_there_is_nothing_to_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["games", "verify"]) == 2
    assert "CASINO_GAMES_MANIFEST" in capsys.readouterr().err


def test_the_casino_offers_only_what_verifies(signed: Path) -> None:
    from importlib import resources

    rules = parse_rules((resources.files("casino.dev") / "rules.json").read_text())
    control = build(rules, "test")
    assert "harbour-lights" in control.games
    assert control.verification is not None and control.verification.last is not None
    text = signed.read_text()
    signed.write_text(text.replace("harbour-lights", "harbour-nights"))
    control.verification.run()
    assert control.games == {}
    signed.write_text(text)
    control.verification.run()
    assert "harbour-lights" in control.games
    assert files_of(GAMES)[GENERATOR]
