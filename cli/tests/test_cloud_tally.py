"""What an update has done, as the engine's events tell it."""

from io import StringIO

from domicile_cli.cloud.tally import Problem, Tally, name_of, plain
from domicile_cli.render.cloud import outcome, outcome_json
from pulumi.automation import EngineEvent
from rich.console import Console

URN = "urn:pulumi:gb-test::domicile::domicile:cell:Network$aws:ec2/vpc:Vpc::gb-test-network"


def event(**parts):
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1} | parts)


def step(kind, op, urn=URN):
    metadata = {"op": op, "urn": urn, "type": "aws:ec2/vpc:Vpc", "provider": "p"}
    return event(**{kind: {"metadata": metadata} | ({"status": 1, "steps": 1} if kind == "resOpFailedEvent" else {})})


def test_a_resource_runs_until_it_is_done():
    tally = Tally()
    tally.see(step("resourcePreEvent", "create"))
    assert tally.running == {URN: "create"} and tally.count == 0
    tally.see(step("resOutputsEvent", "create"))
    assert not tally.running and tally.changes == {"create": 1}


def test_what_is_unchanged_counts_as_done_and_is_no_change():
    tally = Tally()
    tally.see(step("resOutputsEvent", "same"))
    assert tally.count == 1 and tally.changes == {}


def test_a_failure_is_named_and_counted():
    tally = Tally()
    tally.see(step("resourcePreEvent", "create"))
    tally.see(step("resOpFailedEvent", "create"))
    assert tally.failed == ["gb-test-network (ec2/vpc:Vpc)"] and tally.count == 1 and not tally.running


def test_errors_and_warnings_are_kept_and_chatter_is_not():
    tally = Tally()
    for severity, message in (
        ("error", "<{%reset%}>no\n\n<{%reset%}>"),
        ("warning", "hm"),
        ("info", "hello"),
        ("warning", "using pulumi-resource-aws from $PATH at /x"),
    ):
        tally.see(event(diagnosticEvent={"message": message, "color": "never", "severity": severity, "urn": URN}))
    assert [(one.message, one.error) for one in tally.problems] == [("no", True), ("hm", False)]


def test_a_policy_is_named_and_only_a_mandatory_one_is_an_error():
    tally = Tally()
    for level in ("mandatory", "advisory"):
        found = {"message": "no", "color": "never", "policyName": "tags", "policyPackName": "p"}
        more = {"policyPackVersion": "1", "policyPackVersionTag": "1", "enforcementLevel": level, "resourceUrn": URN}
        tally.see(event(policyEvent=found | more))
    assert [(one.policy, one.error) for one in tally.problems] == [("tags", True), ("tags", False)]


def test_the_summary_is_the_engines_word():
    tally = Tally()
    changes = {"create": 3, "same": 4}
    summary = {"maybeCorrupt": False, "durationSeconds": 1, "resourceChanges": changes, "PolicyPacks": {}}
    tally.see(event(summaryEvent=summary))
    assert tally.changes == {"create": 3}


def test_names_are_short_and_the_stack_has_none():
    assert name_of(URN) == "gb-test-network (ec2/vpc:Vpc)"
    assert name_of("urn:pulumi:s::p::pulumi:pulumi:Stack::p-s") == name_of("") == ""


def test_colours_are_taken_out():
    assert plain("<{%fg 1%}>red<{%reset%}> \x1b[31mtoo\x1b[0m") == "red too"


def test_what_failed_does_not_look_like_what_had_nothing_to_do() -> None:
    console = Console(width=100, record=True, file=StringIO())
    console.print(outcome("preview gb", Tally(), 1.0, planned=True, failed=True))
    console.print(outcome("preview gb", Tally(), 1.0, planned=True))
    assert console.export_text().splitlines() == [
        "preview gb: failed; nothing was changed (1.0 s)",
        "preview gb: no changes (1.0 s)",
    ]


def test_what_is_judged_later_is_counted_in_one_line_and_told_whole_to_programs() -> None:
    tally = Tally()
    for name in ("tags-undecided", "tags-undecided", "not-public-undecided"):
        tally.problems.append(Problem("a", "unknown until up", error=False, policy=name))
    console = Console(width=100, record=True, file=StringIO())
    console.print(outcome("preview gb", tally, 1.0, planned=True))
    (line,) = console.export_text().splitlines()[1:]
    assert line == "  3 properties are known and judged during the update (not-public 1, tags 2)"
    assert len(outcome_json("gb", "preview", tally, 1.0)["problems"]) == 3


def test_to_forget_what_was_only_read_is_no_change() -> None:
    tally = Tally()
    for op in ("delete", "discard"):
        tally.see(step("resOutputsEvent", op))
    assert tally.changes == {"delete": 1}
