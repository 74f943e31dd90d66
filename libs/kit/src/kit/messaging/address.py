"""Where the broker is, read from its URL."""

import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

_PORTS = {"amqp": 5672, "amqps": 5671}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Host, virtual host and credentials of a broker; prints without the password.

    A private authority and a client certificate are named in the query: `?cafile=…&certfile=…&keyfile=…`.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    tls: bool
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `amqp[s]://user:password@host:port/vhost`, everything percent-decoded.

        Raises:
            ValueError: it is not such a URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("a broker URL looks like amqp://user:password@host:5672/vhost")
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
            tls=parts.scheme == "amqps",
            options=tuple(parse_qsl(parts.query)),
        )

    def context(self) -> ssl.SSLContext | None:
        """The TLS context for `amqps`, None for plain text."""
        if not self.tls:
            return None
        options = dict(self.options)
        context = ssl.create_default_context(cafile=options.get("cafile"), capath=options.get("capath"))
        if "certfile" in options:
            context.load_cert_chain(options["certfile"], options.get("keyfile"))
        return context
