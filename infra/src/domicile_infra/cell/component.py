"""What every component of a cell has in common: its type, its children's options, its renames."""

from collections.abc import Sequence
from typing import Any

import pulumi

from domicile_infra.renaming import renamed


class CellComponent(pulumi.ComponentResource):
    """A concern of a cell. Its provider comes in `opts.providers`, and its children inherit it.

    A concern is a class, and its type is the class's name: domicile:cell:Network.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(f"domicile:cell:{type(self).__name__}", name, {}, opts)

    def child(
        self,
        *,
        stateful: bool = False,
        after: Sequence[pulumi.Resource] = (),
        was: Sequence[str] = (),
        **more: Any,
    ) -> pulumi.ResourceOptions:
        """The options of a child.

        `stateful` is for what holds data that nothing else brings back: Pulumi neither deletes nor replaces it, and
        leaves it standing when it is no longer in the program. `after` are those that it needs and does not name.
        `was` are its former names.
        """
        return pulumi.ResourceOptions(
            parent=self,
            protect=stateful or None,
            retain_on_delete=stateful or None,
            depends_on=list(after) or None,
            aliases=renamed(*was),
            **more,
        )
