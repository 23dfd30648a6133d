"""Compliance: what the licence says (rules.json), and who may register under it."""
