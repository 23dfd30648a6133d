"""The casino: a modular monolith."""
