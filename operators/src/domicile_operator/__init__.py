"""The operator for CasinoTenant."""
