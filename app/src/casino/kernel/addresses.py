"""Where a request came from, as far as that can be trusted."""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

from casino.kernel.container import Container
from casino.kernel.settings import Settings


def client_address(request: Request, trusted_proxies: int) -> str | None:
    """The client's address: the peer's, or what the outermost of our own proxies wrote into X-Forwarded-For.

    Each proxy appends whom it heard from, so the last `trusted_proxies` entries are ours and the first of those is the
    client; what stands before it the client may have written. None when there are fewer entries than proxies, or when
    it is no address: then somebody came around a proxy, and nothing is known.
    """
    if trusted_proxies == 0:
        found = request.client.host if request.client is not None else ""
    else:
        entries = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
        found = entries[-trusted_proxies] if len(entries) >= trusted_proxies else ""
    try:
        return str(ip_address(found))
    except ValueError:
        return None


def address_hash(address: str | None) -> str:
    """What tells one address from another within a session, and is no address in the store."""
    return hashlib.sha256(b"located:" + (address or "").encode()).hexdigest()[:32]


def network_of(address: str | None) -> str:
    """What one household has in common: an IPv4 address, or the first 64 bits of an IPv6 one."""
    parsed = ip_address(address) if address else None
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)


def request_address_hash(request: Request, parts: Container) -> str:
    """The same of a request's client."""
    return address_hash(client_address(request, parts.get(Settings).trusted_proxies))
