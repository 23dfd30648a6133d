"""Which adapter serves which provider and method: the one place that names them all."""

from __future__ import annotations

from collections.abc import Mapping

from casino.wallet.payments.adapters.bank import BankAdapter
from casino.wallet.payments.adapters.base import Adapter
from casino.wallet.payments.adapters.card import CardAdapter
from casino.wallet.payments.adapters.crypto import CryptoAdapter
from casino.wallet.payments.adapters.e_wallet import WalletAdapter
from casino.wallet.payments.adapters.family import FamilyAdapter
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.adapters.pix import PixAdapter
from casino.wallet.payments.models import Method

PLUGINS: dict[Method, type[FamilyAdapter]] = {
    "card": CardAdapter,
    "bank": BankAdapter,
    "wallet": WalletAdapter,
    "pix": PixAdapter,
    "crypto": CryptoAdapter,
}
Adapters = Mapping[tuple[str, Method], Adapter]


def build_adapters(connections: Mapping[str, Connection], exponent: int) -> Adapters:
    """An adapter for each provider and method; which of them are used is said by the routes."""
    return {
        (provider, method): plugin(connection, exponent)
        for provider, connection in connections.items()
        for method, plugin in PLUGINS.items()
    }
