"""Commands of player account management. What they do is in jobs.py, which is loaded when one of them is run."""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from casino.pam.four_eyes import Role
from casino.pam.identity_verification import Method, Result


def add_commands(commands: Any) -> None:
    """Hang `players` and `staff` into the program's commands."""
    players = commands.add_parser("players", help="import players, look after their keys, daily jobs")
    verbs = players.add_subparsers(required=True, metavar="verb")
    importing = verbs.add_parser("import", help="import players and opening balances from another casino (CSV)")
    importing.add_argument("file", type=Path)
    importing.add_argument("--dry-run", action="store_true", help="check the whole file, write nothing")
    importing.add_argument("--resume", action="store_true", help="go on with an import that was cut short")
    importing.add_argument("--report", type=Path, help="where faults are written; default: FILE.faults.csv")
    importing.set_defaults(run=_run("import_players"))
    undoing = verbs.add_parser("undo-import", help="take back a batch whose players have not played yet")
    undoing.add_argument("batch", type=uuid.UUID)
    undoing.set_defaults(run=_run("undo_import"))
    verifying = verbs.add_parser(
        "verify", help="note what was found about who a player is; asks for the password and a code of who judges"
    )
    verifying.add_argument("player", type=uuid.UUID)
    verifying.add_argument("--by", required=True, metavar="EMAIL", help="who judges: a member of staff, compliance")
    verifying.add_argument("--result", choices=[one.value for one in Result], default=Result.VERIFIED.value)
    verifying.add_argument("--method", choices=[one.value for one in Method], required=True)
    verifying.add_argument("--reference", required=True, help="names the evidence where it is kept")
    verifying.add_argument("--reason", required=True)
    verifying.set_defaults(run=_run("verify_identity"))
    for verb, what, job in (
        ("rewrap-keys", "wrap every data key anew with the newest version of the tenant's key", "rewrap_keys"),
        ("dormancy", "make dormant who was not seen for the rules' months", "dormancy"),
        ("erase", "destroy the data keys of accounts whose retention is over", "erase"),
        ("send-messages", "send the messages that are due", "send_messages"),
    ):
        parser = verbs.add_parser(verb, help=what)
        parser.set_defaults(run=_run("run_job"), job=job)
    for parser in verbs.choices.values():
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    staff = commands.add_parser("staff", help="who works here").add_subparsers(required=True, metavar="verb")
    adding = staff.add_parser("add", help="add a member of staff; the password is asked for, or read from a pipe")
    adding.add_argument("email")
    adding.add_argument("--name", required=True)
    adding.add_argument("--role", required=True, choices=[role.value for role in Role])
    adding.set_defaults(run=_run("add_staff"))


def _run(name: str) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        from casino.pam import jobs

        return int(asyncio.run(getattr(jobs, name)(options)))

    return run
