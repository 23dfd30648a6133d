"""`kubectl casino`: casino tenants as who runs them sees them."""
