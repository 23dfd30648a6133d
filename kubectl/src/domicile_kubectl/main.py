"""`kubectl casino`, put together of its commands. kubectl finds the program `kubectl-casino` on the PATH."""

import inspect
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from domicile_kubectl.commands import explain, fleet, hold, operation, rollout, why
from domicile_kubectl.errors import PluginError
from domicile_kubectl.options import ERROR, OK


class _Commands(TyperGroup):
    """What fails is told in a sentence on standard error; no traceback, and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PluginError as error:
            typer.echo(f"{error.code}: {error.message}", err=True)
            raise typer.Exit(ERROR) from None


app = typer.Typer(
    cls=_Commands,
    name="kubectl casino",
    help="Casino tenants: where each lives, why, and why one is not ready.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for part in (fleet, explain, why, hold, operation):
    app.add_typer(part.app)
app.add_typer(rollout.app, name="rollout")


def _flowing(text: str) -> str:
    """A docstring whose paragraphs are one line each, for the terminal to wrap."""
    return "\n\n".join(one.replace("\n", " ") for one in inspect.cleandoc(text).split("\n\n"))


for group in app.registered_groups:
    for command in group.typer_instance.registered_commands if group.typer_instance else ():
        command.help = _flowing(command.callback.__doc__ or "") if command.callback else None


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kubectl-casino {version('domicile-kubectl')}")
        raise typer.Exit(OK)


@app.callback()
def casino(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Casino tenants: where each lives, why, and why one is not ready."""


def run() -> None:
    """The program."""
    app(prog_name="kubectl casino")
