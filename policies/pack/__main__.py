"""The policy pack that the Pulumi engine runs beside a stack: `pulumi up --policy-pack policies/pack`."""

from domicile_policies.plan import crossguard
from domicile_policies.plan.load import load_facts
from pulumi_policy import EnforcementLevel, PolicyPack

PolicyPack(
    name="domicile",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=crossguard.policies(load_facts),
)
