"""A cause, from the symptom down to what to do."""

from rich.console import Group, RenderableType
from rich.text import Text

from domicile_kubectl.cause import Cause


def cause(name: str, found: Cause) -> RenderableType:
    """The whole of it; the sentence that matters is in bold."""
    lines = [_head(name, found)]
    for depth, symptom in enumerate(found.chain):
        lines.append(Text(f"{'  ' * depth}└ {symptom}", style="dim"))
    if not found.ready:
        at = f" at {found.at}" if found.at else ""
        lines += [Text(), Text.assemble(("because  ", "red"), (found.sentence, "bold"), (f"  {found.code}{at}", "dim"))]
    lines += [Text(f"         {one}", style="dim") for one in found.evidence]
    if found.next and not found.ready:
        lines += [Text(), Text.assemble(("do       ", "green"), found.next)]
    lines += [Text.assemble(("note     ", "yellow"), one) for one in found.remarks]
    lines += [Text.assemble(("not seen ", "yellow"), one) for one in found.unseen]
    return Group(*lines)


def _head(name: str, found: Cause) -> Text:
    if found.ready:
        return Text.assemble((name, "bold"), " is ", ("ready", "green"), f": {found.sentence}")
    return Text.assemble((name, "bold"), " is ", ("not ready", "red"))
