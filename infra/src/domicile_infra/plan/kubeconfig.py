"""A kubeconfig whose holder proves who they are to AWS, each time anew: it holds no credential."""

import yaml


def kubeconfig(cluster: str, endpoint: str, ca_data: str, region: str, role_arn: str) -> str:
    """The kubeconfig of an EKS cluster for a role. `ca_data` is the CA's certificate in base64, as EKS gives it."""
    arguments = ["eks", "get-token", "--cluster-name", cluster, "--region", region, "--role-arn", role_arn]
    login = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": [*arguments, "--output", "json"],
        "interactiveMode": "Never",
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": endpoint, "certificate-authority-data": ca_data}}],
        "users": [{"name": cluster, "user": {"exec": login}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
    }
    return yaml.safe_dump(content, sort_keys=False)
