"""status.plan as a tree: what would be created, changed and deleted."""

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from domicile_kubectl.names import Object

_ACTIONS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}


def plan(name: str, found: Object) -> RenderableType:
    """The whole of it; fields and statements below what they are of."""
    counts = {action: int(found.get(action, 0)) for action in _ACTIONS}
    unchanged = found.get("unchanged", 0)
    if not any(counts.values()):
        head = Text.assemble((name, "bold"), f"  nothing would change; {unchanged} things are as they should be")
    else:
        words = ", ".join(f"{counts[action]} to {action}" for action in _ACTIONS if counts[action])
        head = Text.assemble((name, "bold"), f"  {words}; {unchanged} unchanged", (f"  {found.get('digest')}", "dim"))
    tree = Tree(head, guide_style="dim")
    changes = found.get("changes") or []
    for action, (sign, style) in _ACTIONS.items():
        for change in changes:
            if change["action"] == action:
                where = f"{change['namespace']}/" if change.get("namespace") else ""
                branch = tree.add(Text(f"{sign} {change['kind']} {where}{change['name']}", style=style))
                for field in change.get("fields") or ():
                    branch.add(Text(str(field), style="dim"))
    more = sum(counts.values()) - len(changes)
    if more > 0:
        tree.add(Text(f"and {more} more, which status.plan has no room for", style="dim"))
    for problem in found.get("problems") or ():
        tree.add(Text.assemble(("! ", "red"), str(problem)))
    return tree
