"""For the Pulumi program. Empty so far."""
