"""What a finding can be of: each rule's stable id, what it asks, why, and what to do where it is broken.

Where the rule is a jurisdiction's, the finding cites its law; the others are Domicile's own, and say what for.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from domicile_catalog.forms import Frozen

from domicile_audit.holding import Holding


class Severity(StrEnum):
    """A violation fails the audit. A warning is told, and does not."""

    VIOLATION = "violation"
    WARNING = "warning"


class Rule(Frozen):
    """A rule by its stable id."""

    id: str
    asks: str
    why: str
    remedy: str


class Finding(Frozen):
    """One thing that breaks one rule. `id` is the same as long as the same thing breaks the same rule in the same way.

    `sentence` says what was found, `law` the rule that it breaks, in words, and `source` where that is written.
    """

    id: str
    rule: str
    severity: Severity
    account: str
    region: str
    type: str
    resource: str
    sentence: str
    law: str
    source: str | None
    remedy: str


def _rules(*rules: Rule) -> Mapping[str, Rule]:
    return {one.id: one for one in rules}


RULES = _rules(
    Rule(
        id="wrong-place",
        asks="data rests where every jurisdiction that it is of lets it rest",
        why="the jurisdiction's law",
        remedy="Move it to a lawful place, and delete it here with its versions and backups.",
    ),
    Rule(
        id="backup-outside",
        asks="a copy rests where what it is a copy of may",
        why="the jurisdiction's law",
        remedy="Copy it to a vault in a lawful place, and delete it here.",
    ),
    Rule(
        id="replicated-outside",
        asks="data is sent only to places where it may rest, in accounts of the organisation that are read",
        why="the jurisdiction's law, and that what is elsewhere cannot be audited",
        remedy="Remove the replication or the destination, and delete what it has sent.",
    ),
    Rule(
        id="data-outside-cell",
        asks="players' data rests in accounts that a jurisdiction is kept in",
        why="no law can be held against data of no jurisdiction",
        remedy="Move it to the cell that serves its jurisdiction.",
    ),
    Rule(
        id="shared-outside",
        asks="nobody outside the organisation is let in",
        why="data that a stranger can copy rests wherever the stranger likes",
        remedy="Take the principal out of the policy, permission, grant or share, and find out what it read.",
    ),
    Rule(
        id="public",
        asks="nothing is open to everybody",
        why="data that anybody can copy rests anywhere",
        remedy="Close it: block public access, or take `*` out of the policy; then find out who read it.",
    ),
    Rule(
        id="unencrypted",
        asks="everything is encrypted at rest",
        why="a disk leaves the building with what is on it",
        remedy="Encrypt it with the cell's key for its class; most types have to be copied to a new one.",
    ),
    Rule(
        id="key-not-ours",
        asks="players' data, keys and backups are encrypted with a key of the organisation's own",
        why="access to a key of the provider's cannot be taken away, or audited, by us",
        remedy="Encrypt it with the cell's key for its class.",
    ),
    Rule(
        id="key-outside",
        asks="keys are of the organisation's accounts, and exist",
        why="whoever holds the key decides who reads; keys rest with what they open",
        remedy="Encrypt it anew with the cell's key for its class.",
    ),
    Rule(
        id="multi-region-key",
        asks="keys are of one region",
        why="a multi-region key can be copied to any region, and opens there what was encrypted here",
        remedy="Make a single-region key, encrypt anew with it, and schedule this one's deletion.",
    ),
    Rule(
        id="untagged",
        asks="everything that holds data says of which class, by the tag domicile:data-class",
        why="what nobody has classified cannot be held against the law; it is judged as the worst its type may hold",
        remedy="Find out whose it is and what it holds; bring it under the Pulumi program, or delete it.",
    ),
    Rule(
        id="mistagged",
        asks="tags name classes of data, and jurisdictions that the account is for",
        why="what is tagged wrongly is held against the wrong law",
        remedy="Correct the tag where it is written; if the data is of that jurisdiction, move it to its cell.",
    ),
    Rule(
        id="no-retention-lock",
        asks="audit logs cannot be deleted or changed before their time, by anybody",
        why="a log that its subject can delete proves nothing; the jurisdictions say how long records are kept",
        remedy="Set object lock in compliance mode for the retention that the jurisdictions ask.",
    ),
    Rule(
        id="plaintext",
        asks="nothing is reached without TLS",
        why="what is sent in the clear is read on the way",
        remedy="Ask for TLS: a Deny on aws:SecureTransport false, or the service's own setting.",
    ),
    Rule(
        id="unknown-type",
        asks="everything that bears a class of data is of a type that the audit can read",
        why="where its data rests, and who reads it, is not known",
        remedy="Write a collector for the type, or take the thing away.",
    ),
    Rule(
        id="listed-only-by-tags",
        asks="what the tagging API lists, its own service lists too",
        why="one of the two is wrong",
        remedy="Run the audit again: it may have been deleted a moment ago. If it stays, look at it by hand.",
    ),
    Rule(
        id="account-not-read",
        asks="every account of the organisation is one of the environment's",
        why="what an account holds that nobody reads is not known",
        remedy="Name the account in environment.yaml, or close it.",
    ),
)


def finding(
    rule: str,
    about: Holding,
    sentence: str,
    *,
    severity: Severity = Severity.VIOLATION,
    law: str | None = None,
    source: str | None = None,
    detail: str = "",
) -> Finding:
    """A finding about a holding. `detail` tells two findings of the same rule about it apart, across audits."""
    return Finding(
        id=finding_id(rule, about.arn, detail),
        rule=rule,
        severity=severity,
        account=about.account,
        region=about.region,
        type=about.type,
        resource=about.arn,
        sentence=sentence,
        law=law or f"{RULES[rule].asks}: {RULES[rule].why}",
        source=source,
        remedy=RULES[rule].remedy,
    )


def finding_id(rule: str, resource: str, detail: str) -> str:
    """Twelve hexadecimal digits that are the same in every audit."""
    return hashlib.sha256("\n".join((rule, resource, detail)).encode()).hexdigest()[:12]
