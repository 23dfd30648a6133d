"""The casino: a modular monolith."""

__version__ = "0.1.0"
