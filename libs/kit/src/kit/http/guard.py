"""The guard before addresses we did not choose (a customer's webhook, a picture to fetch): no way into the house.

The URL is taken apart by strict rules of our own and put together anew, so the client cannot read it differently; the
host is resolved here, every one of its addresses must be on the public internet, and the connection goes to exactly
the address that was checked (a second look-up could answer otherwise).
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

LONGEST_URL = 2048

_URL = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#\\]+)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?")
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PRIVATE_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "arpa",
    "onion",
    "invalid",
)

# Networks that are not the public internet (IANA special-purpose registries), or that lead back into IPv4 or into a
# cloud's own machinery.
_REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a cloud's host agent on a public address
        *("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20", "2620:4f:8000::/48"),
    )
)
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")  # mapped, compatible, translated, local and multicast lie outside
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


class AddressRefused(ValueError):
    """This URL must not be called; the text says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart; `address` is set when the host is written as an address."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def url(self) -> str:
        """The URL, put together anew."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be called: https on its usual ports; plain http only where somebody decided so.

    `exempt` networks pass although they are not public; it is for development and tests.
    """

    http: bool = False
    https_ports: frozenset[int] = frozenset({443, 8443})
    http_ports: frozenset[int] = frozenset({80, 8080})
    exempt: tuple[Network, ...] = ()

    def ports(self, scheme: str) -> frozenset[int]:
        """The ports allowed for a scheme; none means the scheme itself is refused."""
        if scheme == "https":
            return self.https_ports
        return self.http_ports if scheme == "http" and self.http else frozenset()


def parse(url: str, rules: Rules) -> Target:
    """Take a URL apart, by rules stricter than the standard's.

    Raises:
        AddressRefused: it breaks one of them.
    """
    if len(url) > LONGEST_URL:
        raise AddressRefused("too long")
    if any("\ud800" <= char <= "\udfff" for char in url):
        raise AddressRefused("not text")
    if any(char <= " " or char == "\\" or "\x7f" <= char <= "\xa0" for char in url):
        raise AddressRefused("control characters, spaces or backslashes")
    match = _URL.fullmatch(url)
    if match is None:
        raise AddressRefused("not an absolute URL with a host")
    scheme = match["scheme"].lower()
    ports = rules.ports(scheme)
    if not ports:
        raise AddressRefused("scheme not allowed")
    host, port = _authority(match["authority"], 443 if scheme == "https" else 80)
    if port not in ports:
        raise AddressRefused("port not allowed")
    path = quote((match["path"] or "/") + (match["query"] or ""), safe="/?%:@!$&'()*+,;=-._~[]")
    name, address = _host(host)
    if address is not None and not is_public(address, rules.exempt):
        raise AddressRefused("address not public")
    return Target(scheme, name, port, path, address)


def _authority(authority: str, default_port: int) -> tuple[str, int]:
    if "@" in authority:
        raise AddressRefused("credentials in the URL")
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        host += bracket
    else:
        host, colon, rest = authority.partition(":")
        rest = colon + rest
    if not rest:
        return host, default_port
    if not rest.startswith(":") or not _PORT.fullmatch(rest[1:]) or int(rest[1:]) > 65535:
        raise AddressRefused("port not readable")
    return host, int(rest[1:])


def _host(host: str) -> tuple[str, Address | None]:
    if host.startswith("["):
        return _literal_v6(host[1:-1])
    labels = _name(host).split(".")
    name = ".".join(labels)
    if _NUMERIC.fullmatch(labels[-1]):
        return _literal_v4(name)
    if len(name) > 253 or len(labels) < 2 or labels[-1] in _PRIVATE_NAMES or not all(map(_LABEL.fullmatch, labels)):
        raise AddressRefused("not a public host name")
    return name, None


def _name(host: str) -> str:
    """The host name in its ASCII form (IDNA 2008); look-alike dots and digits are refused, not translated."""
    if host.isascii():
        name = host.lower()
        if any(label.startswith("xn--") for label in name.split(".")):
            _round_trip(name)
        return name
    if any(dot in host for dot in "\u3002\uff0e\uff61"):
        raise AddressRefused("host name with odd dots")
    try:
        return idna.encode(host.lower(), strict=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressRefused("host name not valid") from error


def _round_trip(name: str) -> None:
    try:
        idna.decode(name, strict=True)
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressRefused("host name not valid") from error


def _literal_v4(text: str) -> tuple[str, Address]:
    try:
        return text, ipaddress.IPv4Address(text)
    except ValueError as error:
        raise AddressRefused("address in an odd spelling") from error


def _literal_v6(text: str) -> tuple[str, Address]:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise AddressRefused("address not readable") from error
    if address.scope_id is not None:
        raise AddressRefused("address with a zone")
    return str(address), address


def is_public(address: Address, exempt: Iterable[Network] = ()) -> bool:
    """Whether an address is an ordinary one of the public internet."""
    if any(address in network for network in exempt):
        return True
    if any(address in network for network in _REFUSED) or not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in _PUBLIC_V6 and (int(address) >> 32) & 0xFFFF_FFFF not in _ISATAP
    return True


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses the system knows for a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


async def addresses(target: Target, rules: Rules, resolver: Resolver) -> list[str]:
    """The checked addresses of a target, of which any may be connected to.

    Raises:
        AddressRefused: one of them is not public; then none is used.
        OSError: the host cannot be resolved.
    """
    if target.address is not None:
        return [str(target.address)]
    found = list(await resolver(target.host, target.port))
    if not found:
        raise OSError("the host has no address")
    for text in found:
        if not is_public(ipaddress.ip_address(text.partition("%")[0]), rules.exempt):
            raise AddressRefused("the host leads to an address that is not public")
    return found
