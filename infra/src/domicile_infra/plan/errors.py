"""What a planner refuses."""


class PlanError(ValueError):
    """Something that cannot be built as it is asked for: what, why, by which rule, and what to do."""
