"""`domicile audit`: what exists, read back from the cloud and the clusters, and held against the law."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from domicile_audit.cloud.client import Cloud
from domicile_audit.cloud.client import Organization as Found
from domicile_audit.cloud.reader import FAILURES
from domicile_audit.cloud.survey import in_order, survey
from domicile_audit.cluster import read_cluster
from domicile_audit.evidence import Extent, Run, Verdict, canonical, digest, document, verdict
from domicile_audit.holding import Survey
from domicile_audit.judgement import judge, resolve
from domicile_audit.resource_policy import Ours
from domicile_audit.scope import AuditScope
from domicile_audit.store import StoreError, check_key, next_link, verify_chain, write, write_unsigned
from domicile_policies.names import AUDIT_ROLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from domicile_cli.audit_scope import Scoped, scope_of
from domicile_cli.cloud.preflight import trouble
from domicile_cli.manifests import in_order as in_file_order
from domicile_cli.options import (
    OK,
    REFUSED,
    USAGE,
    FolderArgument,
    JsonOption,
    RootOption,
    SerialOption,
    anchor_of,
    console,
    day_of,
    echo_json,
    epilog,
    fail,
    read_catalogue,
)
from domicile_cli.render import audit as view
from domicile_cli.validation import Folder, read_folder

UNREAD, PARTIAL = 3, 4
_EXITS = {Verdict.CLEAN: OK, Verdict.VIOLATIONS: REFUSED, Verdict.INCOMPLETE: UNREAD, Verdict.PARTIAL: PARTIAL}
_CODES = (
    "Exit codes: 0 all read and all lawful; 1 violations, with --verify a chain that does not hold; 2 used wrongly; "
    "3 could not look: something did not answer, or the evidence could not be kept or is not there; 4 partial: what "
    "was read is lawful, and --region or a cluster without --kubeconfig left something out. The lowest of 1, 3 and 4 "
    "that holds."
)

app = typer.Typer(rich_markup_mode="rich")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks the cloud, and what it is of."""

    cloud: Cloud
    account: str
    arn: str
    organization: Found


@app.command(
    "audit",
    epilog=epilog(
        "audit environments/live --sign ~/.ssh/id_ed25519",
        "audit environments/live --no-sign --region eu-west-2 --region us-east-1",
        "audit environments/live --sign key --kubeconfig gb-prod=gb.yaml",
        "audit environments/live --verify --signer SHA256:...",
        exit_codes=_CODES,
    ),
)
def audit_command(
    context: typer.Context,
    folder: FolderArgument,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where evidence is kept.", show_default="evidence/<environment>"),
    ] = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", envvar="DOMICILE_AUDIT_KEY", help="The SSH key that signs the evidence.")
    ] = None,
    no_sign: Annotated[
        bool,
        typer.Option("--no-sign", help="To try things out: unsigned, in a folder `unsigned` apart from the chain."),
    ] = False,
    region: Annotated[
        list[str] | None,
        typer.Option("--region", help="Read only this region; repeatable, and partial. By default all enabled."),
    ] = None,
    kubeconfig: Annotated[
        list[str] | None, typer.Option("--kubeconfig", help="Read a cell's cluster as well: CELL=FILE; repeatable.")
    ] = None,
    role: Annotated[
        str, typer.Option(envvar="DOMICILE_AUDIT_ROLE", help="The role that is taken on in each account.")
    ] = AUDIT_ROLE,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the evidence that is kept, and read nothing.")
    ] = False,
    signer: Annotated[
        list[str] | None,
        typer.Option("--signer", help="With --verify: fingerprint of a key that counts; repeatable. By default any."),
    ] = None,
    root: RootOption = None,
    serial: SerialOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read back everything that holds data, and hold it against the law: its place, its keys, who is let in.

    Every account of the environment, every enabled region and every type that can hold data is asked, whatever was
    meant to be built. The answer is kept as evidence: signed, and chained to the evidence before it.
    """
    kept = output or Path("evidence") / folder.resolve().name
    source = context.get_parameter_source("sign")
    given = source is not None and source.name == "COMMANDLINE"
    if verify:
        if no_sign or given:
            fail("--verify checks what was signed, and signs nothing: leave out --sign and --no-sign.", USAGE)
        _verify(kept, tuple(signer or ()), as_json=as_json)
    key = _key(sign, given=given, no_sign=no_sign)
    clusters = dict(_cluster(one) for one in kubeconfig or ())
    catalogue = read_catalogue()
    read = read_folder(folder, catalogue, anchor_of(root, serial))
    if read.faults:
        fail("\n".join(str(fault) for fault in in_file_order(read.faults)), USAGE)
    try:
        sequence, previous = next_link(kept) if key else (None, None)
    except StoreError as error:
        fail(str(error), UNREAD)
    caller = _caller(read, role, clusters)
    scoped = scope_of(read, caller.organization if caller else None, day_of(None), clusters)
    began = datetime.now(UTC)
    found = resolve(_read(caller, scoped, tuple(region or ()), clusters), scoped.scope)
    findings = judge(found, scoped.scope)
    left = tuple(
        cell.name for cell in (read.environment.cells if read.environment else ()) if cell.name not in clusters
    )
    run = Run(
        caller=caller.arn if caller else "",
        began=began,
        ended=datetime.now(UTC),
        version=version("domicile-audit"),
    )
    extent = Extent(regions=tuple(region or ()), clusters=tuple(clusters), clusters_left=left)
    value = document(scoped.scope, found, findings, run, extent, sequence=sequence, previous=previous)
    try:
        path = write(kept, value, key) if key else write_unsigned(kept, value)
    except (OSError, StoreError) as error:
        fail(f"The evidence was not kept: {error}", UNREAD)
    sha256 = digest(canonical(value))
    if as_json:
        evidence: dict[str, Any] = {"file": str(path), "sha256": sha256, "signed": key is not None}
        echo_json(view.audit_json(value, evidence))
    else:
        told = f"{path}  sha256 {sha256}{'' if key else '  (not signed, and no link of the chain)'}"
        console().print(view.audit(read.name, found, findings, extent, told))
    raise typer.Exit(_EXITS[verdict(found, findings, extent)])


def _key(sign: Path | None, *, given: bool, no_sign: bool) -> Path | None:
    """The key that signs, or None; what is said on the command line outweighs a variable."""
    if no_sign and not given:
        return None
    if sign is None or no_sign:
        fail("Evidence is signed: give --sign KEY or --no-sign, and not both.", USAGE)
    key = sign.expanduser()
    if not key.exists():
        fail(f"{sign} does not exist: --sign, or DOMICILE_AUDIT_KEY, takes an SSH key.", USAGE)
    try:
        check_key(key)
    except StoreError as error:
        fail(str(error), USAGE)
    return key


def _cluster(given: str) -> tuple[str, Path]:
    name, _, file = given.partition("=")
    path = Path(file).expanduser()
    if not name or not file or not path.is_file():
        fail(f"--kubeconfig {given}: write CELL=FILE, with a kubeconfig that exists.", USAGE)
    return name, path


def _caller(read: Folder, role: str, clusters: dict[str, Path]) -> Caller | None:
    """The cloud and who asks it; None for an environment that has none and whose clusters are read."""
    environment = read.environment
    if environment is None or environment.organization is None:
        if clusters:
            return None
        fail(f"{read.name} has no organisation in a cloud: give --kubeconfig CELL=FILE to read its clusters.", USAGE)
    try:
        cloud = Cloud(role)
        account, arn = cloud.whoami()
        return Caller(cloud, account, arn, cloud.organization())
    except FAILURES as error:
        problem, taken = trouble(error)
        fail(f"The organisation cannot be read: {problem}. It takes {taken}.", UNREAD)


def _read(caller: Caller | None, scoped: Scoped, regions: tuple[str, ...], clusters: dict[str, Path]) -> Survey:
    """Everything that is told, and what is not."""
    scope = scoped.scope
    parts = [Survey(unread=scoped.missing)]
    if caller:
        ours = Ours(organization_id=scope.organization_id, accounts=scope.organization_accounts)
        accounts = [one.account_id for one in scope.accounts if one.account_id.isdigit()]
        with _bar() as advance:
            parts.append(survey(caller.cloud, accounts, caller.account, ours, regions=regions, progress=advance))
    for name, file in clusters.items():
        try:
            parts.append(read_cluster(_account_of(scope, name), name, str(file)))
        except Exception as error:  # the client raises whatever it finds in the file
            fail(f"{file} is no kubeconfig of {name}: {error}", USAGE)
    return in_order(Survey.all_of(parts))


def _account_of(scope: AuditScope, cell: str) -> str:
    return next((one.account_id for one in scope.accounts if one.cell == cell), cell)


@contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on standard error, where it is no part of the answer."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking which regions are enabled", total=None)
        yield lambda done, total, label: bar.update(task, completed=done, total=total, description=label)


def _verify(folder: Path, signers: tuple[str, ...], *, as_json: bool) -> None:
    links = verify_chain(folder, signers=signers)
    if not links:
        fail(f"{folder} has no signed evidence: there is nothing to verify. --output names another folder.", UNREAD)
    if as_json:
        echo_json(view.chain_json(links))
    else:
        console().print(view.chain(str(folder), links))
    raise typer.Exit(REFUSED if any(one.problem for one in links) else OK)
