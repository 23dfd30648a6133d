"""Pure builders: a Plan in, Kubernetes manifests out. No I/O, no clock."""
