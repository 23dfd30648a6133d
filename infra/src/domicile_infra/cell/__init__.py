"""The cell layer: one component for each concern of a cell, and what puts them together."""
