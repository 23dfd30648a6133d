"""Live tables: rounds that many players bet on until a moment, with one result for all."""
