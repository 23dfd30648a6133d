"""The operator for `CasinoTenant`: it builds what a tenant needs in one cell and keeps it so."""
