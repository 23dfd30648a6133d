"""The `domicile` command, put together of its parts."""

import inspect
from importlib.metadata import version
from typing import Annotated

import typer

from domicile_cli.commands import audit, catalogue, check, cloud, controls, decide, environment, generate, law
from domicile_cli.install import install
from domicile_cli.options import EXIT_CODES, OK, read_catalogue

app = typer.Typer(
    help="Where a regulated casino may lawfully live, and by which rule.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command()(install)
app.add_typer(decide.app)
app.add_typer(law.app)
app.add_typer(environment.app)
app.add_typer(cloud.app)
app.add_typer(check.app)
app.add_typer(audit.app)
app.add_typer(controls.app)
app.add_typer(generate.app)
app.add_typer(catalogue.app, name="catalog")


def _flowing(text: str) -> str:
    """A docstring whose paragraphs are one line each, for the terminal to wrap; what is indented stays as it is."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(one if "\n " in f"\n{one}" else one.replace("\n", " ") for one in paragraphs)


for part in (app, *(group.typer_instance for group in app.registered_groups)):
    for command in part.registered_commands if part else ():
        command.help = _flowing(command.callback.__doc__ or "") if command.callback else None


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"domicile {version('domicile-cli')}, catalogue {read_catalogue().version[:12]}")
        raise typer.Exit(OK)


@app.callback()
def domicile(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Where a regulated casino may lawfully live, and by which rule."""
