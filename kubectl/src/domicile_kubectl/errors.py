"""Why a command ends without its answer."""


class PluginError(Exception):
    """What failed. `message` says what, and what to do; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Missing(PluginError):
    """The object asked for does not exist."""


class Forbidden(PluginError):
    """The cluster's RBAC lets this user not do it."""
