"""The web application firewall before the cell's front door."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.logs import make_log_group
from domicile_infra.plan.cell import CellPlan

MANAGED = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
REQUESTS = 2000
"""The most requests that one address makes in five minutes; a table of players behind one address stays below it."""
HIDDEN = ("authorization", "cookie")
"""Headers that the log leaves out: they let whoever reads them play as the player."""


@dataclass(frozen=True)
class WebFirewallArgs:
    """`telemetry_key_arn` closes the log."""

    plan: CellPlan
    load_balancer_arn: pulumi.Input[str]
    telemetry_key_arn: pulumi.Input[str]


class WebFirewall(CellComponent):
    """`name` is the web ACL's."""

    arn: pulumi.Output[str]
    acl_name: str

    def __init__(self, name: str, args: WebFirewallArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        self.acl_name = plan.name
        acl = aws.wafv2.WebAcl(
            "firewall",
            name=plan.name,
            description=f"Front door of {plan.name}",
            scope="REGIONAL",
            default_action={"allow": {}},
            rules=[_limit(), *(_managed(at, rules) for at, rules in enumerate(MANAGED, start=1))],
            visibility_config={
                "cloudwatch_metrics_enabled": True,
                "metric_name": plan.name,
                "sampled_requests_enabled": False,
            },
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        self.arn = acl.arn
        aws.wafv2.WebAclAssociation(
            "firewall", web_acl_arn=acl.arn, resource_arn=args.load_balancer_arn, opts=self.child()
        )
        # WAF takes only log groups whose name begins so.
        log = make_log_group(self, "web-firewall-log", plan, f"aws-waf-logs-{plan.name}", args.telemetry_key_arn)
        aws.wafv2.WebAclLoggingConfiguration(
            "firewall",
            resource_arn=acl.arn,
            log_destination_configs=[log.arn],
            redacted_fields=[{"single_header": {"name": name}} for name in HIDDEN],
            opts=self.child(),
        )
        self.register_outputs({"arn": self.arn})


def _limit() -> aws.wafv2.WebAclRuleArgsDict:
    name = "requests-of-one-address"
    return {
        "name": name,
        "priority": 0,
        "action": {"block": {}},
        "statement": {
            "rate_based_statement": {"limit": REQUESTS, "aggregate_key_type": "IP", "evaluation_window_sec": 300}
        },
        "visibility_config": _visible(name),
    }


def _managed(priority: int, rules: str) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": rules,
        "priority": priority,
        "override_action": {"none": {}},
        "statement": {"managed_rule_group_statement": {"name": rules, "vendor_name": "AWS"}},
        "visibility_config": _visible(rules),
    }


def _visible(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    # Samples would show players' requests in the console.
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": False}
