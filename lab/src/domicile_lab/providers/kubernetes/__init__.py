"""A Kubernetes provider for the Pulumi engine, over server-side apply.

The provider that pulumi-kubernetes belongs to is a Go program that no package index serves. This one takes the same
programs: the same type tokens, inputs, ids, annotations and provider arguments. What it does not do (Helm, Kustomize,
rendering to files, client-side apply) it refuses by name.
"""
