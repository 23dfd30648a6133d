"""No kept resource goes without an approval in environment.yaml, whoever runs the engine and however.

`domicile up` and `domicile check` see a replacement or a deletion in the preview. The engine tells a policy pack of
neither, but it calls a resource's hooks before it deletes it, in a preview as well (Pulumi, "Resource hooks"): the
name of the hook is kept in the stack's state, so that it is called also when the resource has left the program, and a
state without the program that has the hook is not destroyed at all. This is the second lock behind `protect`, which
`pulumi state unprotect` takes off without asking anybody.
"""

from collections.abc import Callable, Iterable
from datetime import date

import pulumi
from domicile_catalog.environment import Approval
from domicile_policies.plan.holding import is_kept
from domicile_policies.plan.rules.state import unapproved

HOOK = "domicile-approved"
"""What the hook is called in every state. Another name would leave the old states without theirs."""


def ask_for_approvals(approvals: Iterable[Approval], stack: str, on: date) -> None:
    """Have every kept resource that is declared from now on be deleted with an approval of that day alone."""
    refuse = refusal(tuple(approvals), stack, on)
    hook = pulumi.ResourceHook(HOOK, refuse, pulumi.ResourceHookOptions(on_dry_run=True))

    def guarded(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not is_kept(args.type_):
            return None
        binding = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[hook]))
        return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, binding))

    pulumi.runtime.register_stack_transformation(guarded)


def refusal(approvals: tuple[Approval, ...], stack: str, on: date) -> Callable[[pulumi.ResourceHookArgs], None]:
    """What raises PermissionError for a deletion that nobody has approved.

    The engine does not say whether something else takes the resource's place, so that an approval of either lets it
    go; which of the two it is, the preview's rules judge.
    """

    def refuse(args: pulumi.ResourceHookArgs) -> None:
        why = unapproved(approvals, stack, args.type, args.name, on)
        if why is not None:
            raise PermissionError(
                f"{args.name}: {args.type} is kept, and {why}. If it was renamed, give it an alias. If it must go, "
                "write an approval into environment.yaml: stack, resource, action, reason, by, until."
            )

    return refuse
