"""The alarm on the break-glass role: its every use, in every region where its account acts, reaches the owner."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.baseline import alarm_key_document, alarm_topic_document, use_of_role_pattern
from domicile_infra.plan.persona_documents import compact


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAlarmArgs:
    """The role's name, its account's id, who is told (an e-mail address), and the providers by region."""

    role: str
    account_id: pulumi.Input[str]
    organization_id: pulumi.Input[str]
    notify: str
    providers: Mapping[str, aws.Provider]
    tags: Mapping[str, str]
    key_tags: Mapping[str, str]


class RoleAlarm(OrganizationComponent):
    """A rule in each region that hears the role assumed and whatever it does, reads too; a topic that tells of it.

    The address must confirm its subscription once, by the link that AWS sends.
    """

    topics: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: RoleAlarmArgs) -> None:
        super().__init__(name)
        self._args = args
        self.topics = {region: self._region(f"{name}/{region}", args.providers[region]) for region in args.providers}
        self.register_outputs({"topics": self.topics})

    def _region(self, name: str, provider: aws.Provider) -> pulumi.Output[str]:
        args = self._args
        key = aws.kms.Key(
            f"{name}/key",
            description=f"Alarms on {args.role}",
            enable_key_rotation=True,
            multi_region=False,
            deletion_window_in_days=30,
            policy=pulumi.Output.all(args.account_id, args.organization_id).apply(
                lambda known: compact(alarm_key_document(known[0], known[1]))
            ),
            tags=dict(args.key_tags),
            opts=self.kept(provider),
        )
        topic = aws.sns.Topic(
            f"{name}/topic",
            name=f"{args.role}-alarm",
            kms_master_key_id=key.arn,
            tags=dict(args.tags),
            opts=self.child(provider),
        )
        policy = aws.sns.TopicPolicy(
            f"{name}/topic-policy",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn: compact(alarm_topic_document(arn))),
            opts=self.child(provider),
        )
        aws.sns.TopicSubscription(
            f"{name}/subscription",
            topic=topic.arn,
            protocol="email",
            endpoint=args.notify,
            opts=self.child(provider),
        )
        rule = aws.cloudwatch.EventRule(
            f"{name}/rule",
            name=f"{args.role}-use",
            description=f"{args.role} is assumed or does something",
            event_pattern=pulumi.Output.from_input(args.account_id).apply(
                lambda account: compact(use_of_role_pattern(args.role, account))
            ),
            # Without it EventBridge leaves out calls that only read.
            state="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            tags=dict(args.tags),
            opts=self.child(provider),
        )
        aws.cloudwatch.EventTarget(
            f"{name}/target",
            rule=rule.name,
            target_id="owner",
            arn=topic.arn,
            opts=self.child(provider, after=[policy]),
        )
        return topic.arn
