"""How Pulumi names a type of resource."""


def aws(module: str, name: str) -> str:
    """A type's token, such as aws:rds/clusterInstance:ClusterInstance."""
    return f"aws:{module}/{name[0].lower()}{name[1:]}:{name}"


def kubernetes(group: str, kind: str) -> str:
    """A kind's token, such as kubernetes:core/v1:Namespace."""
    return f"kubernetes:{group}:{kind}"
