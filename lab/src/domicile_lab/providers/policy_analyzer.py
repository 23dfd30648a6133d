"""`pulumi-analyzer-policy-python`: how the Pulumi engine starts a policy pack that is written in Python.

For Python packs, engine 3.200 does not ask the language host (sdk/go/common/resource/plugin/analyzer_plugin.go): it
starts this program in the pack's folder with the engine's address, the pack's folder (".") and the runtime options of
PulumiPolicy.yaml as `-name=value`, and with the stack's configuration and names in PULUMI_*. The pack's interpreter
then becomes this process: `pulumi.policy` runs the pack, and `pulumi_policy` prints the port and serves the Analyzer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from domicile_lab.providers.interpreter import InterpreterError, interpreter


def command(arguments: list[str], folder: str, environment: Mapping[str, str]) -> list[str]:
    """The command that runs the pack in `folder`. Raises InterpreterError when its virtual environment is not there."""
    options = dict(a.lstrip("-").partition("=")[::2] for a in arguments if a.startswith("-"))
    engine, program, *_ = [a for a in arguments if not a.startswith("-")]
    return [interpreter(folder, options, environment), "-u", "-m", "pulumi.policy", engine, program]


def main(arguments: list[str]) -> None:
    try:
        line = command(arguments, str(Path.cwd()), os.environ)
    except InterpreterError as error:
        sys.exit(str(error))
    os.execv(line[0], line)  # noqa: S606 - no shell: the pack's process takes this one's place and its pipes


if __name__ == "__main__":
    main(sys.argv[1:])
