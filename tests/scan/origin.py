"""Which of our files a resource is declared in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.scan.resource import Resource

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path("infra/src/domicile_infra")


@cache
def components() -> dict[str, Path]:
    """The type of a component -> the file of its class: `domicile:cell:Keys` -> .../cell/keys.py."""
    found = {}
    for layer in ("cell", "organization"):
        for file in sorted((ROOT / SOURCE / layer).glob("*.py")):
            for name in re.findall(rf"^class (\w+)\({layer.title()}Component\)", file.read_text(), re.MULTILINE):
                found[f"domicile:{layer}:{name}"] = file.relative_to(ROOT)
    return found


def origin(resource: Resource) -> str:
    """`infra/.../cell/keys.py:41`: the file of the resource's component, and the first line that makes its type."""
    if not resource.component.startswith("domicile:"):
        return str(SOURCE)
    file = components().get(resource.component)
    if file is None:
        return str(SOURCE)
    made = re.compile(rf"\b{re.escape(_constructor(resource.type))}\(")
    for number, line in enumerate((ROOT / file).read_text().splitlines(), start=1):
        if made.search(line):
            return f"{file}:{number}"
    return str(file)


def _constructor(token: str) -> str:
    """How the program calls the class of a token: `aws.kms.Key`."""
    package, module, name = token.split(":")
    return f"{package}.{module.partition('/')[0]}.{name}"
