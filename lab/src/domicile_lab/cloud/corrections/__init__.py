"""Where moto answers otherwise than AWS, in ways that would hide a fault of ours: each with its reason.

They are laid over moto's classes once, before the first request.
"""

from domicile_lab.cloud.corrections import organizations, services, stores


def apply() -> None:
    """Lay every correction over moto."""
    organizations.apply()
    services.apply()
    stores.apply()


__all__ = ["apply"]
