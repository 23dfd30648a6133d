"""Policy documents of a cell: who may do what to its keys, buckets, endpoints, vault, and as which role.

Pure functions of a scope. They go beyond what the organisation's policies refuse: those bind whole zones, these one
cell.
"""

from domicile_infra.plan.documents.statements import Document, Scope, Statement, render

__all__ = ["Document", "Scope", "Statement", "render"]
