"""An organisation that exists already: what it must have before anything is built in it.

It is read and not managed. To take it under management would mean to state its policy types and its trusted services
whole, and to switch off whatever else of the company relies on them.
"""

from collections.abc import Iterable

from domicile_infra.plan.errors import PlanError

FEATURES = "ALL"


def check_existing(
    identity: str,
    features: str,
    policy_types: Iterable[str],
    services: Iterable[str],
    *,
    needed_types: Iterable[str],
    needed_services: Iterable[str],
) -> None:
    """Raises PlanError with everything that the organisation of this id lacks, if anything.

    `features` is its feature set; `policy_types` and `services` are those that it has enabled, by AWS's names. The
    error has the commands that enable the rest, for whoever may decide that for the company.
    """
    say, remedies = "aws organizations", []
    if features != FEATURES:
        remedies.append(f"its feature set is {features}, and policies need {FEATURES}: `{say} enable-all-features`")
    remedies += [
        f"the policy type {one} is not enabled: `{say} enable-policy-type --root-id <root> --policy-type {one}`"
        for one in sorted(set(needed_types) - set(policy_types))
    ]
    remedies += [
        f"{one} is not trusted: `{say} enable-aws-service-access --service-principal {one}`"
        for one in sorted(set(needed_services) - set(services))
    ]
    if remedies:
        lacking = "\n".join(f"  {one}" for one in remedies)
        raise PlanError(
            f"The organisation {identity} (organization.existing) is read and never changed, and it lacks what the "
            f"environment needs:\n{lacking}\nHave whoever answers for the organisation do so, and run this again."
        )
