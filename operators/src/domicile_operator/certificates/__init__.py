"""Certificates of tenants' own domains: a program of its own (docs/adr/0036-certificates-of-host-names.md)."""
