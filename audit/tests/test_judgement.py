"""What is held against the law, thing by thing: tags, keys, locks, TLS, and what nobody reads."""

from typing import Any

import pytest
from audit_testkit.world import AWAY, CELL, HOME, JURISDICTION, MANAGEMENT, STRANGER, TAGS, judged, law_of, scope_of
from domicile_audit.holding import (
    Access,
    Coverage,
    Encryption,
    Flow,
    Holding,
    Key,
    KeyKind,
    Lock,
    Survey,
    Tagged,
    Unread,
    misspelt_classes,
    tagged_classes,
)
from domicile_audit.judgement import resolve
from domicile_audit.kinds import HOLDS_NOTHING, KINDS, type_of
from domicile_audit.rules import RULES, Severity
from domicile_audit.scope import AuditScope
from domicile_catalog import DataClass
from hypothesis import given
from hypothesis import strategies as st

KEY = f"arn:aws:kms:{HOME}:{CELL}:key/1"


def thing(**given: Any) -> Holding:
    """A lawful table, but for what is given."""
    values = {
        "type": "dynamodb:table",
        "arn": f"arn:aws:dynamodb:{HOME}:{CELL}:table/bets",
        "account": CELL,
        "region": HOME,
        "data_classes": (DataClass.WAGERING,),
        "classified_by": "tag",
        "jurisdictions": (JURISDICTION,),
        "tags": TAGS,
        "encryption": Encryption.by(KEY),
    }
    return Holding(**(values | given))


def rules(*holdings: Holding, scope: AuditScope | None = None, **survey: Any) -> list[str]:
    """The rules that these break."""
    read = Survey(holdings=holdings, keys=survey.pop("keys", (Key(arn=KEY, aliases=("alias/bets",)),)), **survey)
    return [one.rule for one in judged(read, scope or scope_of())]


def test_a_lawful_thing_breaks_no_rule() -> None:
    assert rules(thing()) == []


@given(region=st.sampled_from([HOME, AWAY, "unknown"]), classes=st.lists(st.sampled_from(DataClass), min_size=1))
def test_a_place_is_lawful_when_every_class_may_rest_there(region: str, classes: list[DataClass]) -> None:
    found = rules(thing(region=region, data_classes=tuple(classes), encryption=Encryption(kind=KeyKind.INAPPLICABLE)))
    assert ("wrong-place" in found) == (region != HOME)


def test_every_jurisdiction_of_the_account_has_its_say() -> None:
    scope = scope_of()
    two = scope.model_copy(
        update={
            "laws": {**scope.laws, "BB": law_of("BB", [AWAY])},
            "accounts": tuple(one.model_copy(update={"jurisdictions": ("AA", "BB")}) for one in scope.accounts),
        }
    )
    found = judged(Survey(holdings=(thing(),), keys=(Key(arn=KEY),)), two)
    assert [(one.rule, one.law.split(":")[0]) for one in found] == [("wrong-place", "BB")]


def test_a_tag_may_add_a_jurisdictions_law_and_take_none_away() -> None:
    scope = scope_of()
    other = scope.model_copy(update={"laws": {**scope.laws, "BB": law_of("BB", [AWAY])}})
    assert rules(thing(jurisdictions=("BB",)), scope=other) == ["mistagged", "wrong-place"]


def test_players_data_in_an_account_for_no_jurisdiction_is_found() -> None:
    stray = thing(account=MANAGEMENT, jurisdictions=(), encryption=Encryption(kind=KeyKind.INAPPLICABLE))
    assert rules(stray) == ["data-outside-cell"]
    assert rules(stray.model_copy(update={"data_classes": (DataClass.AUDIT_LOG,)})) == []


class TestTags:
    def test_what_nobody_has_classified_is_judged_as_the_worst_of_its_type(self) -> None:
        classes = KINDS["s3:bucket"].classes
        bare = thing(tags={}, jurisdictions=(), classified_by="type", data_classes=classes, region=AWAY)
        assert rules(bare, keys=(Key(arn=KEY.replace(HOME, AWAY)),)) == ["key-outside", "untagged", "wrong-place"]

    def test_what_cannot_bear_tags_is_not_asked_for_them(self) -> None:
        assert rules(thing(tags=None)) == []

    def test_a_word_that_is_no_class_is_found(self) -> None:
        tags = {**TAGS, "domicile:data-class": "wagering+betting"}
        assert rules(thing(tags=tags)) == ["mistagged"]
        assert (tagged_classes(tags), misspelt_classes(tags)) == ((DataClass.WAGERING,), ("betting",))

    def test_a_jurisdiction_that_the_environment_has_not_is_found(self) -> None:
        assert rules(thing(jurisdictions=("ZZ",))) == ["mistagged"]

    def test_none_is_no_class_and_is_no_fault(self) -> None:
        tags = {**TAGS, "domicile:data-class": "none"}
        assert (tagged_classes(tags), misspelt_classes(tags)) == ((), ())
        assert rules(thing(tags=tags)) == []


class TestKeys:
    @pytest.mark.parametrize("name", [KEY, "1", "alias/bets", f"arn:aws:kms:{HOME}:{CELL}:alias/bets"])
    def test_a_key_is_known_by_each_of_its_names(self, name: str) -> None:
        survey = Survey(
            holdings=(thing(encryption=Encryption.by(name)),), keys=(Key(arn=KEY, aliases=("alias/bets",)),)
        )
        (one,) = resolve(survey, scope_of()).holdings
        assert one.encryption == Encryption(kind=KeyKind.OWN, key=KEY)

    def test_a_key_of_an_account_outside_is_found(self) -> None:
        foreign = Encryption.by(f"arn:aws:kms:{HOME}:{STRANGER}:key/1")
        assert rules(thing(encryption=foreign)) == ["key-outside"]

    def test_a_key_that_nobody_has_is_found(self) -> None:
        assert rules(thing(encryption=Encryption.by("2"))) == ["key-outside"]

    def test_a_key_of_the_same_id_in_another_region_is_another_key(self) -> None:
        assert rules(thing(), keys=(Key(arn=KEY.replace(HOME, AWAY)),)) == ["key-outside"]

    @pytest.mark.parametrize("name", ["alias/aws/dynamodb", f"arn:aws:kms:{HOME}:{CELL}:alias/aws/dynamodb", KEY])
    def test_the_providers_key_does_for_telemetry_and_not_for_bets(self, name: str) -> None:
        keys = (Key(arn=KEY, provider=True),)
        assert rules(thing(encryption=Encryption.by(name)), keys=keys) == ["key-not-ours"]
        telemetry = thing(encryption=Encryption.by(name), data_classes=(DataClass.TELEMETRY,))
        assert rules(telemetry, keys=keys) == []


class TestFlows:
    def to(self, **given: Any) -> Holding:
        return thing(flows=(Flow(target="arn:aws:s3:::copies", by="delivery", **given),))

    def bucket(self, **given: Any) -> Holding:
        return thing(type="s3:bucket", arn="arn:aws:s3:::copies", **given)

    def test_a_bucket_is_looked_up_where_it_stands(self) -> None:
        assert rules(self.to(), self.bucket()) == []
        assert rules(self.to(), self.bucket(region=AWAY)).count("replicated-outside") == 1

    def test_a_bucket_that_nobody_read_is_found(self) -> None:
        assert rules(self.to()) == ["replicated-outside"]

    def test_a_lawful_region_of_a_strangers_account_is_found(self) -> None:
        assert rules(self.to(region=HOME, account=STRANGER)) == ["replicated-outside"]


class TestDoubt:
    """What is unknown only because it was not read is a warning; that it was not read is told as well."""

    def unread(self, service: str, operation: str) -> Unread:
        return Unread(account=CELL, region=HOME, service=service, operation=operation, resource=None, reason="denied")

    def severities(self, thing: Holding, *unread: Unread) -> list[Severity]:
        return [
            one.severity for one in judged(Survey(holdings=(thing,), keys=(Key(arn=KEY),), unread=unread), scope_of())
        ]

    def test_a_bucket_where_buckets_could_not_be_listed(self) -> None:
        sent = thing(flows=(Flow(target="arn:aws:s3:::copies", by="delivery"),))
        assert self.severities(sent) == [Severity.VIOLATION]
        assert self.severities(sent, self.unread("s3", "list_buckets")) == [Severity.WARNING]
        assert self.severities(sent, self.unread("sqs", "list_queues")) == [Severity.VIOLATION]

    def test_a_key_where_keys_could_not_be_listed(self) -> None:
        lost = thing(encryption=Encryption.by("2"))
        assert self.severities(lost) == [Severity.VIOLATION]
        assert self.severities(lost, self.unread("kms", "describe_key")) == [Severity.WARNING]

    def test_a_key_of_a_region_that_was_left_out(self) -> None:
        """An audit of some regions hears of every bucket, and reads the keys of its own regions alone."""
        narrowed = (Coverage(account=CELL, region=AWAY, collector="kms keys", holdings=0, calls=1),)
        for key in (KEY, "2"):
            survey = Survey(holdings=(thing(encryption=Encryption.by(key)),), coverage=narrowed)
            assert [one.severity for one in judged(survey, scope_of())] == [Severity.WARNING]
        here = (Coverage(account=CELL, region=HOME, collector="kms keys", holdings=0, calls=1),)
        survey = Survey(holdings=(thing(encryption=Encryption.by(KEY)),), coverage=here)
        assert [one.severity for one in judged(survey, scope_of())] == [Severity.VIOLATION]

    def test_a_target_that_is_no_bucket_is_none_of_them(self) -> None:
        sent = thing(flows=(Flow(target="https://elsewhere.example", by="delivery"),))
        assert self.severities(sent, self.unread("s3", "list_buckets")) == [Severity.VIOLATION]


class TestLocks:
    def log(self, lock: Lock | None) -> Holding:
        return thing(type="s3:bucket", data_classes=(DataClass.AUDIT_LOG,), lockable=True, lock=lock)

    @pytest.mark.parametrize(
        ("lock", "production", "found"),
        [
            (None, False, ["no-retention-lock"]),
            (Lock(mode="compliance", days=1824), True, ["no-retention-lock"]),
            (Lock(mode="governance", days=1825), True, ["no-retention-lock"]),
            (Lock(mode="governance", days=1825), False, []),
            (Lock(mode="compliance", days=1825), True, []),
        ],
    )
    def test_an_audit_log_is_locked_for_as_long_as_the_law_asks(
        self, lock: Lock | None, production: bool, found: list[str]
    ) -> None:
        assert rules(self.log(lock), scope=scope_of(production=production)) == found

    def test_bets_need_no_lock(self) -> None:
        assert rules(thing(type="s3:bucket", lockable=True)) == []


def test_a_way_in_without_tls_is_found() -> None:
    assert rules(thing(plaintext="TLS is off")) == ["plaintext"]


def test_anybody_and_a_stranger_are_two_rules() -> None:
    access = (Access(principal="*", by="policy"), Access(principal=STRANGER, by="policy"))
    assert rules(thing(shared_with=access)) == ["public", "shared-outside"]


class TestWhatBearsTags:
    def tagged(self, arn: str, **tags: str) -> Survey:
        return Survey(tagged=(Tagged(arn=arn, account=CELL, region=HOME, tags=tags),))

    def test_an_unknown_type_that_says_that_it_holds_data_is_a_violation(self) -> None:
        arn = f"arn:aws:cognito-idp:{HOME}:{CELL}:userpool/1"
        (one,) = judged(self.tagged(arn, **{"domicile:data-class": "player_identity"}), scope_of())
        assert (one.rule, one.severity) == ("unknown-type", Severity.VIOLATION)
        assert "cognito-idp:userpool" in one.sentence

    def test_an_unknown_type_that_says_nothing_is_a_warning(self) -> None:
        (one,) = judged(self.tagged(f"arn:aws:cognito-idp:{HOME}:{CELL}:userpool/1"), scope_of())
        assert (one.rule, one.severity) == ("unknown-type", Severity.WARNING)

    def test_what_holds_nothing_is_left_in_peace(self) -> None:
        assert judged(self.tagged(f"arn:aws:ec2:{HOME}:{CELL}:vpc/1"), scope_of()) == ()

    def test_what_its_own_service_does_not_list_is_a_warning(self) -> None:
        (one,) = judged(self.tagged(f"arn:aws:sqs:{HOME}:{CELL}:one"), scope_of())
        assert (one.rule, one.severity) == ("listed-only-by-tags", Severity.WARNING)

    @pytest.mark.parametrize(
        ("arn", "kind"),
        [
            ("arn:aws:s3:::one", "s3:bucket"),
            (f"arn:aws:sns:{HOME}:{CELL}:one", "sns:topic"),
            (f"arn:aws:rds:{HOME}:{CELL}:cluster-snapshot:rds:one", "rds:cluster-snapshot"),
            (f"arn:aws:ecr:{HOME}:{CELL}:repository/a/b", "ecr:repository"),
            (f"arn:aws:logs:{HOME}:{CELL}:log-group:/a:*", "logs:log-group"),
            ("nonsense", "unknown"),
        ],
    )
    def test_the_type_is_in_the_arn(self, arn: str, kind: str) -> None:
        assert type_of(arn) == kind


def test_an_account_that_is_ours_and_nobodys_is_told() -> None:
    (one,) = judged(Survey(), scope_of(accounts=(MANAGEMENT, CELL, "111122224444")))
    assert (one.rule, one.severity, one.resource) == ("account-not-read", Severity.WARNING, "111122225555")


def test_no_type_both_holds_data_and_holds_nothing() -> None:
    assert set(KINDS) & HOLDS_NOTHING <= {"elasticache:cluster"}


def test_every_rule_says_what_it_asks_and_what_to_do() -> None:
    for name, rule in RULES.items():
        assert rule.id == name
        assert rule.asks and rule.why and rule.remedy.endswith(".")
