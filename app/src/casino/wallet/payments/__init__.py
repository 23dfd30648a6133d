"""Payments: deposits and withdrawals over several providers and methods (docs/payments.md)."""
