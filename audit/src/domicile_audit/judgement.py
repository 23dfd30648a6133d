"""Holds what was read against the law: a survey and a scope make findings. Pure, and total.

The places come from the catalogue, through the scope; no jurisdiction and no place is named here.
"""

from collections.abc import Iterator, Mapping

from domicile_catalog import DataClass
from domicile_policies.names import CLASS_TAG

from domicile_audit.holding import (
    ANYBODY,
    GLOBAL,
    Flow,
    Holding,
    KeyKind,
    Survey,
    misspelt_classes,
)
from domicile_audit.keys import Keys
from domicile_audit.rules import RULES, Finding, Severity, finding, finding_id
from domicile_audit.scope import AccountScope, AuditScope, ClassLaw
from domicile_audit.tag_inventory import unexplained

_OF_PLAYERS = (DataClass.PLAYER_IDENTITY, DataClass.WAGERING, DataClass.REGULATOR_COPY)
_NEEDS_OWN_KEY = {*_OF_PLAYERS, DataClass.KEYS, DataClass.BACKUP}
"""What the provider's own key does not do for. It does for the rest: a load balancer's logs can have no other."""
_BUCKET = "arn:aws:s3:::"


def resolve(survey: Survey, scope: AuditScope) -> Survey:
    """The survey with whose key each thing has, and where each bucket stands that something is sent to."""
    keys, buckets = Keys(survey.keys), _buckets(survey)
    return survey.model_copy(
        update={
            "holdings": tuple(
                _located(keys.resolved(one, scope.organization_accounts), buckets) for one in survey.holdings
            )
        }
    )


def judge(survey: Survey, scope: AuditScope) -> tuple[Finding, ...]:
    """Every finding, violations first, then by rule and resource. `survey` comes from `resolve`."""
    doubt = _Doubt(survey)
    found = [one for holding in survey.holdings for one in _about(holding, scope, doubt)]
    found += unexplained(survey)
    found += _strays(scope)
    unique = {one.id: one for one in found}.values()
    return tuple(
        sorted(unique, key=lambda one: (one.severity is not Severity.VIOLATION, one.rule, one.resource, one.id))
    )


def binding(holding: Holding, scope: AuditScope) -> tuple[ClassLaw, ...]:
    """The laws that bind a holding: those of its account, and those that its tag names."""
    account = scope.account(holding.account)
    codes = (*(account.jurisdictions if account else ()), *holding.jurisdictions)
    return scope.law(codes, holding.data_classes)


class _Doubt:
    """What may be unknown only because it was not read: a finding that rests on it is a warning."""

    def __init__(self, survey: Survey) -> None:
        self.of_accounts = any(one.region == "*" for one in survey.unread)
        self.of_buckets = self.of_accounts or any(one.operation == "list_buckets" for one in survey.unread)
        self._of_keys = self.of_accounts or any(one.service == "kms" for one in survey.unread)
        self._read = {one.region for one in survey.coverage}

    def of_key(self, holding: Holding) -> bool:
        """Its key may be one that nobody looked for: a list of everywhere names what is in regions left out."""
        parts = str(holding.encryption.key).split(":")
        regions = {holding.region, *parts[3:4]}
        return self._of_keys or bool(self._read and regions - self._read)


def _severity(*, doubted: bool) -> Severity:
    return Severity.WARNING if doubted else Severity.VIOLATION


def _about(holding: Holding, scope: AuditScope, doubt: _Doubt) -> Iterator[Finding]:
    laws, account = binding(holding, scope), scope.account(holding.account)
    yield from _place(holding, laws, account)
    yield from _flows(holding, laws, scope, doubt)
    yield from _access(holding)
    yield from _encryption(holding, doubt)
    yield from _tags(holding, scope, account)
    yield from _lock(holding, scope, account)
    if holding.plaintext:
        yield finding("plaintext", holding, f"It may be reached without TLS: {holding.plaintext}.")


def _place(holding: Holding, laws: tuple[ClassLaw, ...], account: AccountScope | None) -> Iterator[Finding]:
    if not laws and holding.classified_by == "tag" and set(holding.data_classes) & set(_OF_PLAYERS):
        role = account.role if account else "unknown"
        names = _names(holding.data_classes)
        yield finding("data-outside-cell", holding, f"{names} is in an account that is for no jurisdiction ({role}).")
    if holding.region == GLOBAL:
        return
    rule = "backup-outside" if holding.copy_of_data else "wrong-place"
    for code, broken in _broken(laws, holding.region).items():
        names = _names(DataClass(name) for name in broken)
        law = next(iter(broken.values()))
        yield finding(
            rule,
            holding,
            f"{names} of {code} rests in {holding.region}, where it may not.",
            law=_cite(law),
            source=law.source,
            detail=code,
        )


def _flows(holding: Holding, laws: tuple[ClassLaw, ...], scope: AuditScope, doubt: _Doubt) -> Iterator[Finding]:
    for flow in holding.flows:
        to = f"It goes to {flow.target} by {flow.by}"
        if flow.account is not None and flow.account not in scope.organization_accounts:
            told = f"{to}, in account {flow.account}, which is not of the organisation."
            yield finding("replicated-outside", holding, told, detail=flow.target)
        elif flow.region is None:
            told = f"{to}, which stands in no account and region that was read."
            severity = _severity(doubted=doubt.of_buckets and flow.target.startswith(_BUCKET))
            yield finding("replicated-outside", holding, told, severity=severity, detail=flow.target)
        else:
            for code, broken in _broken(laws, flow.region).items():
                law = next(iter(broken.values()))
                names = _names(DataClass(name) for name in broken)
                yield finding(
                    "replicated-outside",
                    holding,
                    f"{to}: {names} of {code} may not rest in {flow.region}.",
                    law=_cite(law),
                    source=law.source,
                    detail=f"{flow.target} {code}",
                )


def _broken(laws: tuple[ClassLaw, ...], region: str) -> Mapping[str, Mapping[str, ClassLaw]]:
    """The laws that a region breaks, by jurisdiction and class of data."""
    found: dict[str, dict[str, ClassLaw]] = {}
    for law in laws:
        if region not in law.places:
            found.setdefault(law.jurisdiction, {})[law.data_class] = law
    return found


def _access(holding: Holding) -> Iterator[Finding]:
    for one in holding.shared_with:
        detail = f"{one.principal} {one.by}"
        if one.principal == ANYBODY:
            yield finding("public", holding, f"Anybody is let in by {one.by}.", detail=detail)
        else:
            told = f"{one.principal}, outside the organisation, is let in by {one.by}."
            yield finding("shared-outside", holding, told, detail=detail)


def _encryption(holding: Holding, doubt: _Doubt) -> Iterator[Finding]:
    key = holding.encryption.key
    match holding.encryption.kind:
        case KeyKind.NONE:
            yield finding("unencrypted", holding, "It is not encrypted at rest.")
        case KeyKind.PROVIDER if needed := [one for one in holding.data_classes if one in _NEEDS_OWN_KEY]:
            told = f"It holds {_names(tuple(needed))}, encrypted with the provider's own key."
            yield finding("key-not-ours", holding, told)
        case KeyKind.FOREIGN:
            yield finding("key-outside", holding, f"Its key {key} is of an account outside the organisation.")
        case KeyKind.LOST | KeyKind.NAMED:
            told = f"Its key {key} is in no account that was read."
            yield finding("key-outside", holding, told, severity=_severity(doubted=doubt.of_key(holding)))
    if holding.multi_region:
        yield finding("multi-region-key", holding, "The key is a multi-region key.")


def _tags(holding: Holding, scope: AuditScope, account: AccountScope | None) -> Iterator[Finding]:
    if holding.tags is not None and CLASS_TAG not in holding.tags:
        told = f"Nobody says what it holds; it is judged as {_names(holding.data_classes)}."
        yield finding("untagged", holding, told)
    for word in misspelt_classes(holding.tags or {}):
        yield finding("mistagged", holding, f"{CLASS_TAG} names {word!r}, which is no class of data.", detail=word)
    for code in holding.jurisdictions:
        if code not in scope.laws:
            told = f"It is of {code}, which this environment does not have."
        elif account and account.jurisdictions and code not in account.jurisdictions:
            told = f"It is of {code}, in an account for {', '.join(account.jurisdictions)}."
        else:
            continue
        yield finding("mistagged", holding, told, detail=code)


def _lock(holding: Holding, scope: AuditScope, account: AccountScope | None) -> Iterator[Finding]:
    if not holding.lockable:
        return
    needed = account.retention_days if account and account.retention_days else 0
    if DataClass.AUDIT_LOG in holding.data_classes:
        lock = holding.lock
        if lock is None:
            yield finding("no-retention-lock", holding, "It holds an audit log, and nothing keeps that from deletion.")
        elif scope.production and lock.mode != "compliance":
            told = f"It holds an audit log, locked in {lock.mode} mode, which some may lift."
            yield finding("no-retention-lock", holding, told, detail="mode")
        elif lock.days < needed:
            told = f"It holds an audit log, locked for {lock.days} days, and {needed} are asked."
            yield finding("no-retention-lock", holding, told, detail="days")
    elif DataClass.BACKUP in holding.data_classes and holding.type == "backup:backup-vault" and holding.lock is None:
        told = "Nothing keeps the backups in it from deletion."
        yield finding("no-retention-lock", holding, told, severity=Severity.WARNING, detail="vault")


def _strays(scope: AuditScope) -> Iterator[Finding]:
    for account in sorted(scope.organization_accounts - {one.account_id for one in scope.accounts}):
        rule = RULES["account-not-read"]
        yield Finding(
            id=finding_id(rule.id, account, ""),
            rule=rule.id,
            severity=Severity.WARNING,
            account=account,
            region="*",
            type="organizations:account",
            resource=account,
            sentence=f"Account {account} is of the organisation, and not of this environment; nobody read it.",
            law=f"{rule.asks}: {rule.why}",
            source=None,
            remedy=rule.remedy,
        )


def _buckets(survey: Survey) -> Mapping[str, Holding]:
    return {one.arn: one for one in survey.holdings if one.type == "s3:bucket"}


def _located(holding: Holding, buckets: Mapping[str, Holding]) -> Holding:
    """A bucket's ARN names neither region nor account; what was read of the bucket does."""
    if not any(one.target.startswith(_BUCKET) for one in holding.flows):
        return holding
    return holding.model_copy(update={"flows": tuple(_at(flow, buckets) for flow in holding.flows)})


def _at(flow: Flow, buckets: Mapping[str, Holding]) -> Flow:
    bucket = buckets.get(flow.target)
    return flow.model_copy(update={"region": bucket.region, "account": bucket.account}) if bucket else flow


def _cite(law: ClassLaw) -> str:
    fact = f" ({law.fact} of {law.jurisdiction}, {law.confidence})" if law.fact else ""
    where = f"; it may rest in {_some(law.places)}" if law.places else "; it may rest nowhere"
    return f"{law.jurisdiction}: {law.why}{fact}{where}"


def _some(places: tuple[str, ...]) -> str:
    return ", ".join(places) if len(places) <= 6 else f"{', '.join(places[:5])} and {len(places) - 5} more"


def _names(classes: Iterator[DataClass] | tuple[DataClass, ...]) -> str:
    return ", ".join(str(one) for one in classes)
