"""Who hears of what: the cell's alarms, the topic that they go to, and its dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.alarms import alarms, dashboard, dimensions_of
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.vault import topic_policy


@dataclass(frozen=True)
class MonitoringArgs:
    """`called` says what the things are called that the alarms watch (`plan.alarms.things()`).

    `telemetry_key_arn` closes the topic.
    """

    plan: CellPlan
    called: Mapping[str, pulumi.Input[str]]
    telemetry_key_arn: pulumi.Input[str]


class Monitoring(CellComponent):
    """`topic_arn` is where alarms go. Its owner subscribes by e-mail or pager, and confirms it there."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        topic = aws.sns.Topic(
            "alarms",
            name=f"{plan.name}-alarms",
            kms_master_key_id=args.telemetry_key_arn,
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        self.topic_arn = topic.arn
        aws.sns.TopicPolicy(
            "alarms",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn: render(topic_policy(plan.scope, arn))),
            opts=self.child(),
        )
        watched = alarms(plan.size.cache_nodes, plan.availability_zones)
        called = pulumi.Output.all(**args.called)
        made = [
            aws.cloudwatch.MetricAlarm(
                one.name,
                name=f"{plan.name}-{one.name}",
                alarm_description=one.says,
                namespace=one.namespace,
                metric_name=one.metric,
                dimensions=called.apply(partial(dimensions_of, one)),
                statistic=one.statistic,
                period=one.period,
                evaluation_periods=one.periods,
                threshold=one.threshold,
                comparison_operator=one.comparison,
                treat_missing_data=one.missing,
                alarm_actions=[topic.arn],
                ok_actions=[topic.arn],
                tags=plan.tags.tags(),
                opts=self.child(),
            )
            for one in watched
        ]
        known = pulumi.Output.all(called=called, arns=[one.arn for one in made])
        aws.cloudwatch.Dashboard(
            "dashboard",
            dashboard_name=plan.name,
            dashboard_body=known.apply(lambda found: dashboard(watched, found["called"], plan.place, found["arns"])),
            opts=self.child(),
        )
        self.register_outputs({"topicArn": self.topic_arn})
