"""Whose request this is: the client's address, believed only as far as our own proxies vouch for it."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.settings import Network

UNKNOWN = "unknown"
_MAX_HOPS = 32


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address in one element of X-Forwarded-For, with or without port and brackets."""
    candidate = text.strip()
    if candidate.startswith("["):
        candidate = candidate[1:].partition("]")[0]
    elif candidate.count(":") == 1:
        candidate = candidate.partition(":")[0]
    try:
        address = ip_address(candidate)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class Addresses:
    """Finds the client's address behind the proxies that the operator named."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self.is_trusted = lru_cache(maxsize=4096)(self._is_trusted)

    def _is_trusted(self, peer: str) -> bool:
        address = _parsed(peer)
        return address is not None and any(address in network for network in self._trusted)

    def client(self, peer: str, forwarded_for: bytes) -> str:
        """The nearest address that is not one of our proxies.

        The list is read from its end, because only its end was written by those we trust; a client may have put
        anything in front. At the first element that cannot be read we stop at the last one that could.
        """
        if not forwarded_for or not self._trusted or not self.is_trusted(peer):
            return canonical(peer)
        nearest = canonical(peer)
        for element in reversed(forwarded_for.decode("latin-1").split(",")[-_MAX_HOPS:]):
            address = _parsed(element)
            if address is None:
                return nearest
            nearest = str(address)
            if not self.is_trusted(nearest):
                return nearest
        return nearest


@lru_cache(maxsize=4096)
def canonical(peer: str) -> str:
    """The usual spelling of an address, mapped IPv4 as IPv4."""
    address = _parsed(peer)
    return str(address) if address is not None else UNKNOWN


@lru_cache(maxsize=8192)
def limited_as(address: str) -> str:
    """What shares a limit: one IPv4 address, or the /64 that one IPv6 customer holds."""
    return _network(address, 32, 64)


@lru_cache(maxsize=8192)
def truncated(address: str) -> str:
    """What the log may say of an address: its /24, or /48 for IPv6."""
    return _network(address, 24, 48)


def _network(address: str, v4: int, v6: int) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    bits = v4 if parsed.version == 4 else v6
    kept = int(parsed) >> (parsed.max_prefixlen - bits) << (parsed.max_prefixlen - bits)
    return str(type(parsed)(kept))
