"""Events between modules: written in the transaction that makes them true, read by windows of transactions (ADR 31)."""
