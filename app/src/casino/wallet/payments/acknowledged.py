"""Which providers take our signed calls, by the routes that lead to them."""

from __future__ import annotations

import asyncio

from casino.kernel.acknowledgement import Acknowledgement
from casino.wallet.payments.adapters.registry import Adapters
from casino.wallet.payments.config import PaymentSetting


async def ask_providers(setting: PaymentSetting, adapters: Adapters) -> dict[str, Acknowledgement]:
    """The answer of each provider and method that some route names, as `provider/method`: a contract is by method."""
    routed = sorted({(route.provider, route.method) for route in setting.routes} & set(adapters))
    answers = await asyncio.gather(*(adapters[one].acknowledge() for one in routed))
    return {f"{provider}/{method}": answer for (provider, method), answer in zip(routed, answers, strict=True)}
