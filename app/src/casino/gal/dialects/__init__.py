"""Dialects of studios: each a plug-in behind the protocol `Dialect` of studio_model.py."""

from __future__ import annotations

from casino.gal.dialects.hmac_actions import HmacActions
from casino.gal.dialects.rsa_status import RsaStatus
from casino.gal.studio_model import Dialect
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import StudioSecret, StudioSetting

NAMES = ("rsa_status", "hmac_actions")


def build_dialect(setting: StudioSetting, secret: StudioSecret, currency: str, exponent: int) -> Dialect:
    """The dialect of a studio with its keys. Raises ConfigurationError that names what is missing, never a key."""
    match setting.dialect:
        case "rsa_status":
            if secret.studio_public_key is None or secret.operator_private_key is None:
                raise ConfigurationError(f"studio {setting.studio} needs studio_public_key and operator_private_key")
            return RsaStatus(
                operator=secret.operator,
                studio_public_key=secret.studio_public_key,
                operator_private_key=secret.operator_private_key.get_secret_value(),
                currency=currency,
                exponent=exponent,
            )
        case "hmac_actions":
            if secret.secret is None:
                raise ConfigurationError(f"studio {setting.studio} needs a secret")
            return HmacActions(
                operator=secret.operator,
                secret=secret.secret.get_secret_value(),
                launch_url=setting.launch_url,
                currency=currency,
            )
        case _:
            raise ConfigurationError(f"studio {setting.studio}: there is no dialect {setting.dialect!r}")
