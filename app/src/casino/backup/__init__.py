"""Backups of one tenant: taken under one snapshot, sealed before they leave, restored into an empty database."""
