"""An explanation as a tree."""

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from domicile_kubectl.explanation import Explanation, Told, in_groups
from domicile_kubectl.names import BAD_WHEN_TRUE

_MARKS = {True: ("✔", "green"), False: ("✘", "red"), None: ("?", "yellow")}
GOOD_WHEN_FALSE = frozenset({"Progressing"})
"""Conditions of which False is the ordinary case."""


def mark(one: Told) -> Text:
    """A condition's sign: what is expected is green, and what waits is yellow."""
    if one.type in GOOD_WHEN_FALSE:
        good = one.holds is False and one.reason in ("Settled", "")
        return Text("·" if good else "…", style="dim" if good else "yellow")
    if one.type in BAD_WHEN_TRUE:
        return Text("!", style="yellow") if one.holds else Text("·", style="dim")
    sign, style = _MARKS[one.holds]
    return Text(sign, style=style)


def explanation(found: Explanation) -> RenderableType:
    """The whole of it."""
    tree = Tree(
        Text.assemble((found.name, "bold"), f"  {found.brand}", (f"  {found.state or 'not looked at yet'}", "cyan")),
        guide_style="dim",
    )
    if found.paused is not None:
        why = f": {found.paused}" if found.paused else ""
        tree.add(Text(f"paused{why}. The operator leaves it alone; `kubectl casino resume {found.name}`", "yellow"))
    if found.planned:
        tree.add(Text(f"planned: nothing is changed; `kubectl casino plan {found.name}` tells what would be", "yellow"))
    if found.unseen:
        tree.add(Text("the spec was changed, and the operator has not looked at that yet", "yellow"))
    _place(tree, found)
    _operation(tree, found)
    _rules(tree, found)
    tree.add(Text.assemble(("runs ", "dim"), f"{found.version or 'nothing yet'}  {found.url}"))
    conditions = tree.add(Text("conditions", "bold"))
    for one in found.conditions:
        aside = f"  {one.reason}, {one.since}" + (", of a former spec" if one.stale else "")
        conditions.add(Text.assemble(mark(one), f" {one.type}  ", one.sentence, (aside, "dim")))
    _children(tree, found)
    return tree


def _place(tree: Tree, found: Explanation) -> None:
    where = found.place or "nowhere"
    place = tree.add(
        Text.assemble(("lives in ", "dim"), (where, "bold green" if found.place else "bold red"),
                      f", licensed by {found.jurisdiction}")
    )  # fmt: skip
    if found.why_there:
        place.add(Text(found.why_there))
    days = found.licence_days
    left = "" if days is None else f" ({days} days left)" if days >= 0 else f" (ended {-days} days ago)"
    place.add(Text.assemble(("licence ", "dim"), f"{found.licence}{left}"))
    place.add(Text.assemble(("products ", "dim"), ", ".join(found.products)))


def _operation(tree: Tree, found: Explanation) -> None:
    if not found.operation and not found.state_reason:
        return
    acts = ", ".join(found.operation.get("acts") or ()) or "nothing"
    line = tree.add(Text.assemble(("may be done ", "dim"), acts))
    if until := found.operation.get("playUntil"):
        line.add(Text.assemble(("play ends ", "dim"), str(until)))
    if since := found.operation.get("since"):
        line.add(Text.assemble(("in force since ", "dim"), str(since)))
    if found.state_reason:
        line.add(Text.assemble(("why ", "dim"), found.state_reason))


def _rules(tree: Tree, found: Explanation) -> None:
    if found.rules:
        digest, catalogue = str(found.rules.get("digest", ""))[:12], str(found.rules.get("catalogue", ""))[:12]
        rules = tree.add(Text.assemble(("plays by rules ", "dim"), digest, (f", of catalogue {catalogue}", "dim")))
        for limit, value in found.limits.items():
            rules.add(Text.assemble(("its own limit ", "dim"), f"{limit} {value}"))
    else:
        tree.add(Text("plays by no rules yet", "dim"))
    ahead = tree.add(Text.assemble(("law ahead ", "dim"), found.law_ahead or "not asked yet"))
    if found.lawful_until:
        ahead.add(Text(f"lawful until {found.lawful_until}", "yellow"))


def _children(tree: Tree, found: Explanation) -> None:
    count = sum(map(len, (*found.children.values(), *found.outside.values())))
    children = tree.add(Text.assemble(("children", "bold"), (f"  {count}", "dim")))
    for title, groups in ((f"in namespace {found.namespace}", found.children), ("outside of it", found.outside)):
        if groups:
            branch = children.add(Text(title, "dim"))
            for kind, names in groups.items():
                branch.add(Text.assemble(f"{kind}  ", (in_groups(names), "dim")))
