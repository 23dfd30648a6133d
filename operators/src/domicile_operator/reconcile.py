"""One pass over one tenant: read it, decide, drive its children, write its status.

Level-triggered: a pass reads everything anew and trusts no event. It says when it wants to be called again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domicile_operator import metrics, pods_seen, teardown
from domicile_operator.annotations import Asked, asked_of
from domicile_operator.backups.schedule import backup_condition, schedule_of
from domicile_operator.belief import believed, wanted_of
from domicile_operator.children.base import Child, Reference
from domicile_operator.children.order import BUILD
from domicile_operator.children.workload import MIGRATION_FAILED
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import DATABASE, OPERATION_IN_FORCE, PROGRESSING, READY, Condition, timestamp
from domicile_operator.decide import Decision, decide
from domicile_operator.errors import Fault, Gone, Refused
from domicile_operator.events import Event
from domicile_operator.held import look
from domicile_operator.keeping import keep
from domicile_operator.names import API_VERSION, APP, KIND, LABEL_PLACE, Names
from domicile_operator.operating import Operating
from domicile_operator.operation import wanted
from domicile_operator.ownership import ours
from domicile_operator.plan import Plan
from domicile_operator.pruning import prune
from domicile_operator.record import Record, known_children
from domicile_operator.recorder import write_status
from domicile_operator.releases.figures import Harm
from domicile_operator.releases.keeping import follow, release_of
from domicile_operator.spec import TenantSpec, parse_spec
from domicile_operator.status import REFUSED, Findings, ready
from domicile_operator.told import plan_of, seen_again
from domicile_operator.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a pass ended. `kind` is one of settled, waiting, held, refused, fault, gone; `code` is a fault's.

    `again`: it repaired what a pass had repaired within the last minute. `soon`: a tenant that is refused is looked at
    as often as others, since something of it runs. `behind`: pods do not yet hold to the record of what may be done,
    and from when on they do is evidence.
    """

    kind: str
    code: str = ""
    again: bool = False
    soon: bool = False
    behind: bool = False


def reconcile(name: str, world: World) -> Outcome:
    """Bring one tenant a step nearer to its spec. Never raises: what went wrong is in the status."""
    world.slots.told(name)
    try:
        tenant = world.kube.get(API_VERSION, KIND, name)
    except Gone:
        return Outcome("gone")
    except Fault as fault:
        return Outcome("fault", fault.code)
    names, found, asked = Names(name), Findings(), asked_of(tenant)
    found.conditions.append(asked.condition)
    record = Record(known_children(tenant.get("status")))
    try:
        if tenant["metadata"].get("deletionTimestamp"):
            outcome = teardown.tear_down(tenant, names, world, found)
            if outcome == "gone":
                return Outcome("gone")
            result = Outcome(outcome)
        else:
            result = _build(tenant, names, world, found, record)
    except Fault as fault:
        result = _faulted(found, fault, PROGRESSING, _served(tenant, names, world))
    except Exception as error:
        # A bug must show in the status like any other trouble, and must not end the worker.
        log.exception("reconcile failed", extra={"tenant": name})
        bug = Fault("INTERNAL", f"The operator failed: {error!r}. Read its log.")
        result = _faulted(found, bug, PROGRESSING, _served(tenant, names, world))
    if not any(condition.type == OPERATION_IN_FORCE for condition in found.conditions):
        # It never stays from an earlier pass: whether a suspension holds is not what held before.
        unseen = "This pass did not come to see whether the record of what may be done holds."
        found.conditions.append(Condition(OPERATION_IN_FORCE, "Unknown", result.code or "NotSeen", unseen))
    _tell(tenant, record, found, asked)
    if not asked.held and seen_again((tenant.get("status") or {}).get("drift", []), found.changes, world.now()):
        result = replace(result, again=True)
    try:
        write_status(tenant, found, world)
    except Gone:
        return Outcome("gone")
    except Fault as fault:
        log.warning("status not written: %s", fault.message, extra={"tenant": name})
        return Outcome("fault", fault.code)
    return result


def _build(tenant: Object, names: Names, world: World, found: Findings, record: Record) -> Outcome:
    asked, operating = asked_of(tenant), Operating(tenant, names, world)
    try:
        decision = decide_on(tenant, names, world)
    except Fault:
        # What cannot be decided opens nothing; what the spec itself closes takes effect all the same.
        said = wanted(tenant["spec"])
        operating.look() if asked.plan else operating.keep(said, building=False)
        operating.tell(said, _seen(operating, names, world), found)
        raise
    found.conditions += decision.conditions
    found.conditions += _backups(tenant, world)
    if decision.licence_ends is not None:
        metrics.record_licence(names.tenant, decision.licence_ends, world.now())
    # Pause stays no regulator's hand: what may be done is kept all the same, but where a plan is asked for.
    building = decision.plan is not None
    operation = operating.keep(decision.sources, building=building, write=not asked.plan)
    if asked.plan:
        operating.look()
    if decision.plan is None:
        outcome = _refused(found)
    elif asked.held:
        outcome = _held(replace(decision.plan, operation=operation), tenant, world, found, record)
    else:
        outcome = _drive_all(replace(decision.plan, operation=operation), tenant, world, found, record)
    if outcome.kind == "settled" and not operating.onboarded:
        operating.keep(decision.sources, onboarded=True)
    seen = _seen(operating, names, world)
    if decision.plan is not None and (outcome.kind == "settled" or _stands(tenant, outcome)):
        found.conditions += pods_seen.look(decision.plan, seen)
    behind = operating.tell(decision.sources, seen, found) == "False"
    if decision.plan is not None and not asked.held:
        told = () if isinstance(seen, Fault) else seen.told
        behind |= follow(tenant, decision.plan, world, told, found, kind=outcome.kind)
    if decision.refused is None or outcome.kind == "fault":
        return replace(outcome, behind=behind)
    found.conditions.append(Condition(READY, "False", decision.refused.code, decision.refused.message))
    runs = operating.record is not None
    if outcome.kind == "held":
        return replace(outcome, behind=runs and behind)
    return Outcome("refused", decision.refused.code, soon=runs, behind=runs and behind)


def _backups(tenant: Object, world: World) -> list[Condition]:
    """What is to be said of its backups, where it has, or had, a schedule."""
    listed = world.kube.backups(tenant["metadata"]["name"]) if schedule_of(tenant) is not None else ()
    told = backup_condition(tenant, listed, world.now())
    return [told] if told is not None else []


def _drive_all(plan: Plan, tenant: Object, world: World, found: Findings, record: Record) -> Outcome:
    teardown.hold(tenant, world)
    found.place, found.version, found.url = plan.place, plan.version, plan.cell.url(plan.names.tenant)
    found.rules = {"digest": plan.rules.digest, "catalogue": plan.rules.catalogue}
    found.lawful_until = timestamp(plan.ahead.deadline) if plan.ahead else None
    kept, wanted = keep(world, plan.names, record), wanted_of(plan)
    resting = not world.rounds.due(plan.names.tenant) and believed(tenant, plan, wanted)
    outcome = drive(BUILD, plan, kept, found, tenant, resting=resting)
    if resting:
        record.wanted |= wanted.wanted
    elif any(one.type == DATABASE and one.status == "True" for one in found.conditions):
        world.rounds.looked(plan.names.tenant)
    if outcome.kind == "settled":
        prune(plan.names, kept, record, {(one.kind, one.namespace, one.name) for one in found.children or ()})
        found.applied = world.kube.applied(plan.names.namespace)
    return outcome


def _held(plan: Plan, tenant: Object, world: World, found: Findings, record: Record) -> Outcome:
    """Nothing is changed. What status says of the version and the rules in place, a plan is not: it stays as it is."""
    found.url = plan.cell.url(plan.names.tenant)
    found.rules = (tenant.get("status") or {}).get("rules")
    found.lawful_until = timestamp(plan.ahead.deadline) if plan.ahead else None
    look(plan, tenant, world, found, record)
    return Outcome("held")


def _stands(tenant: Object, outcome: Outcome) -> bool:
    """Whether a tenant that is held was built once."""
    return outcome.kind == "held" and bool((tenant.get("status") or {}).get("children"))


def _seen(operating: Operating, names: Names, world: World) -> pods_seen.Seen | Fault:
    if operating.record is None:
        return pods_seen.NOBODY
    try:
        return pods_seen.ask(names, world)
    except Fault as fault:
        return fault


def _tell(tenant: Object, record: Record, found: Findings, asked: Asked) -> None:
    """What the pass recorded, for the status."""
    before = tenant.get("status") or {}
    found.changes, found.repaired = record.judged(before.get("storesDigest")), not asked.held
    if not asked.held and DATABASE in {one.type for one in found.conditions if one.status == "True"}:
        found.stores_digest = record.stores
    if asked.plan and found.plan is None:
        found.plan = plan_of(record, [], _problems(found), tenant["metadata"]["generation"])
    found.events += [Event("Normal", "Adopted", f"{one} was given to this tenant.") for one in record.adopted]


def _problems(found: Findings) -> list[str]:
    """Why there is no plan."""
    return [f"{one.reason}: {one.message}" for one in found.conditions if one.type == READY and one.status != "True"]


def drive(
    children: Sequence[Child], plan: Plan, world: World, found: Findings, tenant: Object, *, resting: bool = False
) -> Outcome:
    """The one loop: apply and observe each child in order, until one waits or fails. `resting`: what lies in the stores
    is believed to be there."""
    seen: list[Reference] = []
    serving: bool | None = None
    for child in children:
        try:
            there = child.desired(plan) if resting and child.in_stores else child.apply(plan, world)
            observation = child.observe(plan, there)
        except Fault as fault:
            if fault.code == MIGRATION_FAILED:
                found.stuck = Harm("MigrationFailed", fault.message)
            return _faulted(found, fault, child.condition, _served(tenant, plan.names, world))
        seen += observation.children
        serving = observation.serving if observation.serving is not None else serving
        found.serving = serving
        if observation.stuck:
            found.stuck = Harm("NotInPlace", observation.waiting)
        if observation.waiting:
            _waiting(tenant, found, observation.waiting, serving)
            return Outcome("waiting")
        if child.condition != PROGRESSING:
            found.conditions.append(Condition(child.condition, "True", "InPlace", ""))
    found.children = seen
    found.conditions += [
        Condition(PROGRESSING, "False", "Settled", "Nothing is left to do."),
        Condition(READY, "True", "Live", f"Players are served at {found.url}"),
    ]
    return Outcome("settled")


def decide_on(tenant: Object, names: Names, world: World) -> Decision:
    spec = parse_spec(tenant["spec"])
    if isinstance(spec, Refused):
        return Decision(None, spec, wanted(tenant["spec"]))
    cell = world.cell()
    return decide(
        names,
        spec,
        cell=cell,
        release=release_of(tenant, names, world),
        rulebook=world.rulebook,
        today=world.rulebook.local_day(spec.jurisdiction, cell, world.now()),
        pinned=_pinned(tenant, names, world),
        taken_hosts=_taken_hosts(tenant, spec, world),
    )


def _pinned(tenant: Object, names: Names, world: World) -> str | None:
    """Where the tenant lives already. Its namespace says so, for status may be lost with a backup; where the namespace
    was deleted, status does: the records rest there still."""
    known: str | None = (tenant.get("status") or {}).get("place")
    try:
        namespace = world.kube.get("v1", "Namespace", names.namespace)
    except Gone:
        return known
    place: str | None = namespace["metadata"].get("labels", {}).get(LABEL_PLACE)
    return (place or known) if ours(namespace, names) else None


def _taken_hosts(tenant: Object, spec: TenantSpec, world: World) -> frozenset[str]:
    if not spec.domains:
        return frozenset()
    mine = (tenant["metadata"]["creationTimestamp"], tenant["metadata"]["name"])
    return frozenset(host for made, name, hosts in world.kube.claims() if (made, name) < mine for host in hosts)


def _refused(found: Findings) -> Outcome:
    # A refusal builds nothing, and tears nothing down either: a casino that was live holds open bets,
    # balances and records, and ending it is a decision for a person (delete the tenant), not the
    # side effect of a fact or a date that changed. What may still be done there, its record says.
    found.state = REFUSED
    found.conditions.append(
        Condition(PROGRESSING, "False", "Refused", "Nothing is built until the refusal is resolved.")
    )
    return Outcome("refused")


def _faulted(found: Findings, fault: Fault, condition: str, served: bool) -> Outcome:
    found.conditions.append(Condition(condition, "False", fault.code, fault.message))
    if not served:
        found.conditions.append(Condition(READY, "False", fault.code, fault.message))
    if condition != PROGRESSING:
        found.conditions.append(Condition(PROGRESSING, "False", fault.code, "It is tried again with backoff."))
    return Outcome("fault", fault.code)


def _served(tenant: Object, names: Names, world: World) -> bool:
    """Whether players who were served still are, whatever the operator has trouble with: Ready then stays as it was,
    true of the generation that it was true of, and Degraded tells of the trouble."""
    if ready(tenant.get("status")).get("status") != "True":
        return False
    try:
        found = world.kube.get("apps/v1", "Deployment", APP, names.namespace)
    except Fault:
        return False
    return bool((found.get("status") or {}).get("availableReplicas", 0))


def _waiting(tenant: Object, found: Findings, message: str, serving: bool | None) -> None:
    found.conditions.append(Condition(PROGRESSING, "True", "Waiting", message))
    # While a new version migrates and rolls, the old pods serve on: Ready then stays as it was.
    was_ready = ready(tenant.get("status")).get("status") == "True"
    if not (was_ready and serving is not False):
        found.conditions.append(Condition(READY, "False", "Progressing", message))
