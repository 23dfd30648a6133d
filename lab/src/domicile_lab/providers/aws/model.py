"""The words in which a table entry is written. Values only.

An entry says which calls make, read, change and remove a resource, and nothing that follows from the names. In the
parameters of a call, a text such as "{bucket}" stands for that input, output or part of the id; alone, for its value
as it is. `{id}`, `{account}`, `{region}` and `{partition}` are always known. A parameter whose text names something
that is absent is left out; a function of (facts, cloud) may stand anywhere, and leaves out what it has no answer for.
Anything that no entry can say is a function over the cloud and `Facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Values = dict[str, Any]


class Cloud(Protocol):
    """Calls into the cloud, for the functions of a table."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def partition(self) -> str: ...

    def call(self, service: str, operation: str, parameters: Values) -> Values:
        """An answer; pages are put together. Raises botocore's ClientError."""
        ...


@dataclass(frozen=True)
class Facts:
    """What is known about one resource when a call is made. `old` are the inputs before an update."""

    id: str
    inputs: Values
    outputs: Values
    old: Values = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """An input, else an output, else None."""
        value = self.inputs.get(name)
        return self.outputs.get(name) if value is None else value


Write = Callable[[Cloud, Facts], Any]


@dataclass(frozen=True)
class Call:
    """One operation. `takes` are the inputs handed over under the names that follow; None: all that its shape has a
    member for and that `params` does not bind already."""

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] | None = None
    service: str = ""
    inside: str = ""
    """A structure of the request (dotted) in which the inputs go, instead of at its top."""
    ignore: tuple[str, ...] = ()
    """Error codes that mean that there was nothing to do."""


@dataclass(frozen=True)
class Read:
    """One question. The first of an entry decides whether the resource exists; the others add to it."""

    operation: str | Write
    """An operation, or a function where one call cannot tell it."""
    params: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    """JMESPath of the object in the answer that the resource is; null or an empty list there means gone."""
    gone: tuple[str, ...] = ()
    """Error codes that mean gone. Every code like NotFound, NotFoundException or NoSuchEntity does anyway."""
    service: str = ""
    pick: Callable[[Any, Facts], Any] | None = None
    """Finds the resource's own object in what stands at `at`, where the service only has a list."""
    only: tuple[str, ...] | None = None
    """The properties that this answer tells; None: all that its shape has a member for."""
    fields: Mapping[str, str | Callable[[Any], Any]] = field(default_factory=dict)
    """property -> JMESPath in, or function of, the object, where its member's name does not follow."""
    tags: str | None = None
    """JMESPath of the tags in the answer (from its top)."""


@dataclass(frozen=True)
class Update:
    """A change in place: made if one of the inputs that the call takes has changed."""

    call: Call
    whole: bool = False
    """Send every input that the call takes, not only the changed ones (an operation that sets, not one that alters)."""
    on_create: bool = False
    """Also after creation, for the inputs that the create call has no parameter for."""


@dataclass(frozen=True)
class Custom:
    """A change in place that is no single call: made if one of `takes` has changed."""

    takes: tuple[str, ...]
    run: Write
    on_create: bool = False


@dataclass(frozen=True)
class Tags:
    """How tags are written; they are read in a `Read`. `create` is the create call's parameter, empty if it has none
    (then they are set after it). Forms: `list` of {Key, Value}, `kms` (of {TagKey, TagValue}), `map`, `lower` (list of
    {key, value}), `spec:<type>`."""

    tag: Call | None
    untag: Call | None
    create: str = ""
    form: str = "list"
    tag_param: str = "Tags"
    untag_param: str = "TagKeys"
    untag_form: str = "names"
    """`names`, or `pairs` for a list of {Key}."""
    whole: bool = False
    """`tag` sets all tags at once, and `untag` (without names) removes all."""


@dataclass(frozen=True)
class Wait:
    """Until the property `path` of the main read's object (JMESPath) is one of `ready`; `failed` ends it in error."""

    path: str
    ready: tuple[str, ...]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One type of the table. Properties are named as in a program."""

    type: str
    service: str
    create: Call | Write
    """A function returns something that `id` is found in."""
    id: str | Callable[[Any, Facts], str]
    """Where the id is: `=Vpc.VpcId`, a JMESPath in the create call's answer, or a text such as `{role}:{name}`."""
    id_parts: tuple[str, ...] = ()
    id_separator: str = ":"
    """How an id is taken apart: parts are inputs that no answer has to tell."""
    reads: tuple[Read, ...]
    updates: tuple[Update | Custom, ...] = ()
    delete: Call | Write | None = None
    """None: there is nothing to remove, the resource only stops being managed."""
    tags: Tags | None = None
    wait: Wait | None = None
    wait_gone: bool = False
    """Deletion takes a while, and what is deleted next depends on its end."""

    names: Mapping[str, str] = field(default_factory=dict)
    """property (or parent.property) -> member, where the member's name does not follow."""
    write: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """property -> its parameter, in a form that does not follow from the shapes."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """output -> text such as `arn:{partition}:s3:::{bucket}`, where no answer tells it."""

    autoname: str = ""
    """The input that gets `<name in the program>-<seven random characters>` when it is not given."""
    autoname_length: int = 64
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the service takes an absent input for, where somebody's change of it is drift."""
    json: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    same: Callable[[str, Any, Any], bool] | None = None
    local: tuple[str, ...] = ()
    """Inputs that only steer this provider, and go to no call by themselves."""
    untold: tuple[str, ...] = ()
    """Inputs that are sent and that the service never tells again (passwords)."""
    told: tuple[str, ...] = ()
    """Nested properties (`parent.property`) that the SDK declares as inputs and only the service sets."""
    quiet: tuple[str, ...] = ()
    """Inputs that AWS tells and the lab's cloud (moto 5.2) leaves out: told differently they have drifted, not told
    they have not."""
    unsupported: tuple[str, ...] = ()
    """Inputs (or parent.property) that are refused, because the lab has no use for them."""
    replaces: tuple[str, ...] = ()
    """Inputs whose change needs a new resource although some update call has a parameter of that name."""
    delete_before_replace: bool = False
    volatile: tuple[str, ...] = ()
    """Outputs that an update changes, so unknown in its preview."""
    check: Callable[[Values], list[tuple[str, str]]] | None = None
    """Refusals that no kind can say: inputs -> (property, reason). May fill in inputs."""
