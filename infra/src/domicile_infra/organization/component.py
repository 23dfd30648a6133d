"""What every component of the organisation has in common: its type, its children's options, its renames."""

from collections.abc import Iterable, Sequence

import pulumi

from domicile_infra.renaming import renamed


class OrganizationComponent(pulumi.ComponentResource):
    """A concern of the organisation. Its children are in several accounts, so each names its provider.

    A concern is a class, and its type is the class's name: domicile:organization:Units. `was` are former names.
    """

    def __init__(self, name: str, was: Sequence[str] = ()) -> None:
        token = f"domicile:organization:{type(self).__name__}"
        super().__init__(token, name, {}, pulumi.ResourceOptions(aliases=renamed(*was)))

    def child(
        self, provider: pulumi.ProviderResource, *, after: Iterable[pulumi.Resource] = (), was: Sequence[str] = ()
    ) -> pulumi.ResourceOptions:
        """The options of a child that this provider makes. `after` are those that it needs and does not name."""
        return pulumi.ResourceOptions(
            parent=self, provider=provider, depends_on=list(after) or None, aliases=renamed(*was)
        )

    def kept(
        self,
        provider: pulumi.ProviderResource,
        *,
        after: Iterable[pulumi.Resource] = (),
        was: Sequence[str] = (),
        existing_id: str | None = None,
        ignore: Sequence[str] = (),
    ) -> pulumi.ResourceOptions:
        """The options of a child that is never deleted: by no update, by no destroy, by no removal from the program.

        `existing_id` is what is taken over instead of being made; `ignore` are properties that are not compared.
        """
        return pulumi.ResourceOptions.merge(
            self.child(provider, after=after, was=was),
            pulumi.ResourceOptions(
                protect=True, retain_on_delete=True, import_=existing_id, ignore_changes=list(ignore) or None
            ),
        )
