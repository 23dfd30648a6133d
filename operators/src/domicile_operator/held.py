"""A pass over a tenant whose annotations hold the operator's hand: all is looked at, and nothing changed."""

from domicile_operator.annotations import Asked, asked_of
from domicile_operator.children.order import BUILD
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import PROGRESSING, READY, Condition
from domicile_operator.errors import Fault
from domicile_operator.keeping import keep
from domicile_operator.looking import look_only
from domicile_operator.names import FINALIZER
from domicile_operator.plan import Plan
from domicile_operator.pruning import prune
from domicile_operator.record import Key, Record
from domicile_operator.status import Findings, ready
from domicile_operator.told import plan_of
from domicile_operator.world import World


def look(plan: Plan, tenant: Object, world: World, found: Findings, record: Record) -> None:
    """See every child as it is, and what applying it would do. The conditions say what is so, `found.plan` the rest.

    Of a tenant that is paused, and no mere plan, children with `even_when_paused` are kept all the same, once it was
    built.
    """
    asked = asked_of(tenant)
    looking, keeping = look_only(world, plan.names, record), keep(world, plan.names, Record(record.known))
    acts = not asked.plan and FINALIZER in tenant["metadata"].get("finalizers", [])
    problems, waiting, wanted = [], "", set[Key]()
    serving: bool | None = None
    for child in BUILD:
        begun = _count(record)
        try:
            applied = child.apply(plan, keeping if acts and child.even_when_paused else looking)
            seen = child.observe(plan, applied)
        except Fault as fault:
            problems.append(f"{fault.code}: {fault.message}")
            if child.condition != PROGRESSING:
                found.conditions.append(Condition(child.condition, "False", fault.code, fault.message))
            continue
        wanted |= {(one.kind, one.namespace, one.name) for one in seen.children}
        if seen.serving is not None and serving is not False:
            serving = seen.serving
        waiting = waiting or seen.waiting
        if child.condition != PROGRESSING:
            found.conditions.append(_store(child.condition, _count(record) - begun, asked))
    if not problems:
        # Of what could not be seen nobody knows what it wants.
        try:
            prune(plan.names, looking, record, wanted)
        except Fault as fault:
            problems.append(f"{fault.code}: {fault.message}")
    differ = _count(record)
    found.conditions += _readiness(tenant, found, differ, problems[0] if problems else waiting, serving)
    if asked.plan:
        found.plan = plan_of(record, record.judged(None), problems, tenant["metadata"]["generation"])


def _count(record: Record) -> int:
    return len(record.changes) + len(record.in_stores)


def _store(kind: str, differ: int, asked: Asked) -> Condition:
    if not differ:
        return Condition(kind, "True", "InPlace")
    return Condition(kind, "False", "NotInPlace", f"{differ} of its parts are not as they should be. {asked.why}")


def _readiness(tenant: Object, found: Findings, differ: int, waiting: str, serving: bool | None) -> list[Condition]:
    asked = asked_of(tenant)
    progressing = Condition(PROGRESSING, "False", "Held", asked.why)
    if not differ and not waiting and serving:
        return [progressing, Condition(READY, "True", "Live", f"Players are served at {found.url}")]
    if serving and ready(tenant.get("status")).get("status") == "True":
        # Served as before, by what was asked for before: the condition keeps the generation that it was true of.
        return [progressing]
    said = waiting or f"{differ} things are not as the spec asks for."
    return [progressing, Condition(READY, "False", "Held", f"{said} {asked.why}")]
