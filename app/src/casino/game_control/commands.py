"""`casino games`, `casino rng` and `casino fair`: for laboratories, auditors and players who want to know."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from casino.game_control.manifest_commands import EXIT_BROKEN, Parsers, guarded, json_option, register_manifest
from casino.game_control.oversight_commands import register_oversight
from casino.kernel.errors import ConfigurationError

MAX_PROOF_BYTES = 1 << 20


def register(commands: Parsers) -> None:
    """Add the commands to the casino's own."""
    _register_games(commands.add_parser("games", help="the games' maths").add_subparsers(required=True, metavar="verb"))
    _register_rng(commands.add_parser("rng", help="the generator").add_subparsers(required=True, metavar="verb"))
    fair = commands.add_parser("fair", help="provably fair rounds").add_subparsers(required=True, metavar="verb")
    verify = fair.add_parser("verify", help="play a round again from its revealed seed")
    verify.add_argument("proof", type=Path, help='the round\'s proof as a JSON file, "-" for standard input')
    json_option(verify)
    verify.set_defaults(run=guarded(_fair_verify))


def _register_games(verbs: Parsers) -> None:
    figures = verbs.add_parser("figures", help="compute the exact figures and hold the declared ones against them")
    figures.add_argument("game", nargs="*", help="all games when none is named")
    figures.add_argument("--definition", type=Path, help="a definition's file instead of the package's games")
    figures.add_argument("--write", action="store_true", help="with --definition: write the figures into the file")
    json_option(figures)
    figures.set_defaults(run=guarded(_figures))
    simulate = verbs.add_parser("simulate", help="play by the stated strategy; must agree with the exact figures")
    simulate.add_argument("game")
    simulate.add_argument("--rounds", type=_positive, default=100_000, help="default %(default)s")
    simulate.add_argument("--wager", help="one set of figures; all that can be played when none is named")
    json_option(simulate)
    simulate.set_defaults(run=guarded(_simulate))
    register_manifest(verbs)
    register_oversight(verbs)


def _register_rng(verbs: Parsers) -> None:
    collect = verbs.add_parser("collect", help="write output for a laboratory")
    kind = collect.add_mutually_exclusive_group(required=True)
    kind.add_argument("--raw", action="store_true", help="the generator's bytes")
    kind.add_argument("--scaled", action="store_true", help="numbers below --bound, big-endian in the fewest bytes")
    collect.add_argument("--bound", type=_positive, help="with --scaled")
    collect.add_argument("--bytes", type=_positive, required=True, dest="size", help="the size of the file")
    collect.add_argument("--output", type=Path, required=True)
    collect.add_argument("--force", action="store_true", help="write over a file that exists")
    json_option(collect)
    collect.set_defaults(run=guarded(_collect))
    test = verbs.add_parser("test", help="the tests of NIST SP 800-22; needs the extra `laboratory`")
    test.add_argument("--sequences", type=_positive, default=100, help="default %(default)s")
    test.add_argument("--bits", type=_positive, default=1_000_000, help="of each sequence; default %(default)s")
    test.add_argument("--input", type=Path, help="a file of collected output instead of the generator")
    json_option(test)
    test.set_defaults(run=guarded(_test))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def _catalogue(names: list[str]) -> dict[str, Any]:
    from casino.game_control.catalogue import load_catalogue

    games = load_catalogue()
    if unknown := sorted(set(names) - set(games)):
        raise ConfigurationError(f"there is no game {', '.join(unknown)}; there are {', '.join(sorted(games))}")
    return {name: games[name] for name in names or sorted(games)}


def _figures(options: argparse.Namespace) -> int:
    from casino.game_control.catalogue import GameRefused, parse_definition, require_figures, with_figures

    if options.write and options.definition is None:
        raise ConfigurationError("--write changes a file: name it by --definition")
    if options.definition is not None:
        text = _read(options.definition)
        definition = parse_definition(text, str(options.definition))
        games = {definition.game_id: definition}
    else:
        games = _catalogue(options.game)
    report, refused = {}, []
    for name, game in games.items():
        exact = game.exact_figures()
        if options.write:
            options.definition.write_text(with_figures(text, game, exact))
        else:
            try:
                require_figures(game, exact)
            except GameRefused as fault:
                refused.append(str(fault))
        report[name] = {
            wager: figures.model_dump(mode="json") | {"volatility": str(figures.volatility)}
            for wager, figures in exact.items()
        }
        _add_jackpot(game, report[name], told=not options.json)
        if not options.json:
            for wager, figures in exact.items():
                print(
                    f"{name} {wager}: RTP {float(figures.rtp):.6%}, hit rate {float(figures.hit_rate):.6%}, "
                    f"volatility {figures.volatility:.6f}, mean stake {float(figures.mean_stake):.6f}"
                )
    if options.json:
        print(json.dumps({"figures": report, "refused": refused}, indent=2))
    for sentence in refused:
        print(f"casino: {sentence}", file=sys.stderr)
    return EXIT_BROKEN if refused else 0


def _add_jackpot(game: Any, report: dict[str, Any], *, told: bool) -> None:
    """What a jackpot returns besides: exact as well, and in no wager's figures."""
    terms = getattr(game, "jackpot", None)
    if terms is None:
        return
    low, high = terms.exact_rtp()
    report["jackpot"] = {"name": terms.name, "rtp_low": str(low), "rtp_high": str(high)}
    if told:
        print(f"{game.game_id} jackpot {terms.name}: RTP {float(low):.6%} to {float(high):.6%} besides")


def _simulate(options: argparse.Namespace) -> int:
    from casino.game_control.progress import Progress
    from casino.game_control.simulate import simulate

    game = _catalogue([options.game])[options.game]
    wagers = [options.wager] if options.wager else list(game.simulated)
    if unknown := sorted(set(wagers) - set(game.simulated)):
        raise ConfigurationError(f"{options.game} is simulated by {', '.join(game.simulated)}, not {unknown[0]}")
    generator, results = _generator(), []
    for wager in wagers:
        with Progress(f"{options.game} {wager}", options.rounds) as progress:
            results.append(simulate(game, wager, options.rounds, generator, progress))
        if not options.json:
            result, exact = results[-1], game.figures[wager]
            print(
                f"{options.game} {wager}: {result.rounds} rounds, RTP {result.rtp:.4%} (exact {float(exact.rtp):.4%}, "
                f"{result.z_net:+.2f} standard errors), hit rate {result.hits / result.rounds:.4%} (exact "
                f"{float(exact.hit_rate):.4%}): {'agrees' if result.agrees else 'DOES NOT AGREE'}"
            )
    if options.json:
        print(json.dumps([result.as_json() for result in results], indent=2))
    return 0 if all(result.agrees for result in results) else EXIT_BROKEN


def _collect(options: argparse.Namespace) -> int:
    from casino.game_control.collect import collect
    from casino.game_control.progress import Progress

    if options.scaled != (options.bound is not None):
        raise ConfigurationError("--scaled needs --bound, and --raw takes none")
    with Progress("collecting", options.size) as progress:
        done = collect(
            _generator(), options.output, options.size, options.bound, force=options.force, progress=progress
        )
    if options.json:
        report = {"bytes": done.size, "sha256": done.sha256, "bound": done.bound, "width": done.width}
        print(json.dumps({"output": str(done.path)} | report))
    else:
        what = "raw" if done.bound is None else f"numbers below {done.bound}, {done.width} bytes each"
        print(f"{done.path}: {done.size} bytes, {what}; SHA-256 {done.sha256}")
    return 0


def _test(options: argparse.Namespace) -> int:
    try:
        from casino.game_control.sp80022.suite import pieces, run_suite
    except ImportError as error:
        raise ConfigurationError("the tests need numpy: install casino[laboratory]") from error
    from casino.game_control.progress import Progress

    if options.bits % 8:
        raise ConfigurationError("a sequence has a whole number of bytes: --bits is a multiple of 8")
    try:
        with contextlib.ExitStack() as stack:
            if options.input is not None:
                read = stack.enter_context(options.input.open("rb")).read
            else:
                read = _generator().random_bytes
            progress = stack.enter_context(Progress("SP 800-22", options.sequences))
            report = run_suite(pieces(read, options.bits, options.sequences), progress)
    except OSError as error:
        raise ConfigurationError(f"cannot read {options.input}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if options.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print(_told(report))
    return EXIT_BROKEN if report.faults else 0


def _told(report: Any) -> str:
    lines = [f"{report.sequences} sequences of {report.bits} bits, {len(report.statistics)} statistics"]
    lines += [
        f"{s.name:40} {s.passed}/{s.sequences} pass"
        + ("" if s.within else " (outside of the standard's interval)")
        + ("" if s.uniformity is None else f", uniformity {s.uniformity:.6f}")
        + (" FAULT" if s.fault else "")
        for s in report.statistics
    ]
    faults, second = report.faults, report.second_look
    lines.append(f"outside of the standard's limits: {', '.join(second) or 'none'}")
    lines.append(f"faults: {', '.join(faults) or 'none'}")
    return "\n".join(lines)


def _fair_verify(options: argparse.Namespace) -> int:
    from casino.game_control.fair import ProofInvalid, verify_round

    try:
        proof = json.loads(_read(options.proof))
    except ValueError as error:
        raise ConfigurationError(f"{options.proof} is no JSON") from error
    if not isinstance(proof, dict) or not isinstance(proof.get("game_id"), str):
        raise ProofInvalid("The proof names no game.")
    verdict = verify_round(_catalogue([proof["game_id"]])[proof["game_id"]], proof)
    if options.json:
        report = {"fair": verdict.fair, "faults": list(verdict.faults), "win_minor": verdict.win_minor}
        print(json.dumps(report | {"outcome": verdict.outcome}, indent=2))
    elif verdict.fair:
        print(f"fair: the committed seeds give {json.dumps(verdict.outcome)} and pay {verdict.win_minor}")
    else:
        print("NOT FAIR: " + "; ".join(verdict.faults))
    return 0 if verdict.fair else EXIT_BROKEN


def _generator() -> Any:
    from casino.game_control.api import build_generator
    from casino.game_control.settings import load_game_settings

    return build_generator(load_game_settings())


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            return sys.stdin.read(MAX_PROOF_BYTES)
        if path.stat().st_size > MAX_PROOF_BYTES:
            raise ConfigurationError(f"{path} is too large")
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error
