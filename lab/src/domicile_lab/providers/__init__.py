"""Resource providers that the Pulumi engine starts in the lab, where the official plugins cannot be had."""
