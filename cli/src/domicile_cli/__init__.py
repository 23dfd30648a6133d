"""The domicile command."""
