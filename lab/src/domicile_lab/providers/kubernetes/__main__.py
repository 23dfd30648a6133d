"""`pulumi-resource-kubernetes`: started by the Pulumi engine."""

from domicile_lab.providers.kubernetes.provider import KubernetesProvider
from domicile_lab.providers.servicer import serve

if __name__ == "__main__":
    serve(KubernetesProvider())
