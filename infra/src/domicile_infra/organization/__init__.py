"""The stack `organization`: units, policies, accounts, logs and people, out of an `OrganizationPlan`."""
