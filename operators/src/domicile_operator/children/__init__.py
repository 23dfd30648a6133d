"""The children of a tenant: one class per kind, all with the same verbs, driven by one loop."""
