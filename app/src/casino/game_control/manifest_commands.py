"""`casino games manifest` and `casino games verify`, and what all commands of game control share."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from casino.kernel.errors import CasinoError, ConfigurationError

EXIT_BROKEN = 1
Parsers = Any  # argparse names the type of add_subparsers() only privately


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def guarded(command: Any) -> Any:
    """A refusal ends a command with its sentence, as a wrong configuration does."""

    def run(options: argparse.Namespace) -> int:
        try:
            return int(command(options))
        except CasinoError as refused:
            raise ConfigurationError(f"{refused.message} {refused.remedy}") from refused

    return run


def register_manifest(verbs: Parsers) -> None:
    manifest = verbs.add_parser("manifest", help="write the signed manifest of what decides outcomes")
    manifest.add_argument("--key", type=Path, required=True, help="Ed25519 private key, PEM without a passphrase")
    manifest.add_argument("--output", type=Path, required=True)
    manifest.add_argument("--force", action="store_true", help="write over a file that exists")
    manifest.set_defaults(run=guarded(_manifest))
    verify = verbs.add_parser("verify", help="hold this installation against the signed manifest")
    verify.add_argument("--manifest", type=Path, help="instead of CASINO_GAMES_MANIFEST")
    verify.add_argument("--key", help="public key in base64 instead of CASINO_GAMES_MANIFEST_KEY")
    json_option(verify)
    verify.set_defaults(run=guarded(_verify))


def _manifest(options: argparse.Namespace) -> int:
    from casino.game_control.manifest import describe, sign
    from casino.game_control.manifest_files import digests, games_present, load_signing_key, public_key_of
    from casino.kernel.clock import SystemClock

    key = load_signing_key(options.key)
    games, versions = games_present()
    manifest = describe(games, versions, digests(), SystemClock().now().isoformat(timespec="seconds"))
    try:
        with options.output.open("w" if options.force else "x") as file:
            file.write(sign(manifest, key).model_dump_json(indent=2) + "\n")
    except FileExistsError:
        raise ConfigurationError(f"{options.output} exists; --force writes over it") from None
    except OSError as error:
        raise ConfigurationError(f"cannot write {options.output}: {error.strerror}") from error
    for name, component in sorted(manifest.components.items()):
        print(f"{name} {component.version}: {component.signature}")
    print(f"signed for CASINO_GAMES_MANIFEST_KEY={public_key_of(key)}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from casino.game_control.settings import load_game_settings
    from casino.game_control.verification import build_verification
    from casino.kernel.clock import SystemClock

    settings = load_game_settings()
    changes = {"manifest": options.manifest, "manifest_key": options.key}
    settings = settings.model_copy(update={key: value for key, value in changes.items() if value is not None})
    verification = build_verification(settings, SystemClock())
    if verification is None:
        raise ConfigurationError("there is nothing to verify against: set CASINO_GAMES_MANIFEST and its key")
    result = verification.run()
    if options.json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        for name, signature in sorted(result.components.items()):
            print(f"{name}: {signature}{' DISABLED' if name in result.disabled else ''}")
        for fault in result.faults:
            print(f"- {fault.component}: {fault.path or 'the manifest'} {fault.kind}")
        print("every component is what was signed" if result.ok else "VERIFICATION FAILED")
    return 0 if result.ok else EXIT_BROKEN
