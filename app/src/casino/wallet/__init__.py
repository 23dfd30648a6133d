"""The wallet: the double-entry ledger, and the payment service providers that feed it."""
