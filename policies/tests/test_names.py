"""A name by which the parts know each other's work is written once: spelt twice, one day it is spelt in two ways."""

import ast
from pathlib import Path

import pytest
from domicile_policies import names

ROOT = Path(__file__).parents[2]
PARTS = ("catalog", "policies", "infra", "audit", "lab", "cli")
HOME = Path(names.__file__)
KEPT = {
    value: name
    for name, value in vars(names).items()
    if name.isupper() and isinstance(value, str) and name.endswith(("_ROLE", "_TAG", "BOUNDARY"))
}


def written(tree: ast.AST) -> set[str]:
    """The texts of a module that are such a name; of a distribution, whose version is asked, it is another's."""
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "version"
    ]
    spared = {id(given) for call in calls for given in call.args}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in spared)
    return {node.value for node in texts if node.value in KEPT}


@pytest.mark.parametrize("part", PARTS)
def test_a_name_that_several_parts_use_is_written_in_one_place(part: str) -> None:
    assert len(KEPT) > 10
    twice = [
        f"{path.relative_to(ROOT)} writes {text!r}: import {KEPT[text]} of domicile_policies.names"
        for path in sorted((ROOT / part / "src").rglob("*.py"))
        if path != HOME
        for text in sorted(written(ast.parse(path.read_text())))
    ]
    assert twice == []
