"""Plugins that the Pulumi engine starts in the lab, where the official ones cannot be had."""
