"""What the gateway is told from outside; read once, in `__main__`."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from gateway.policy import PolicyRefused, read, shipped
from gateway.routes import RATES
from kit.settings import ProcessSettings, SealingKey

Network = IPv4Network | IPv6Network


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class GatewaySettings(ProcessSettings):
    """The environment variables `GATEWAY_*`; lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    admin_host: str = "127.0.0.1"
    admin_port: int = Field(0, ge=0, le=65535)
    """Port of /metrics and /healthz; 0 takes the port after the public one."""

    auth_url: str = Field(pattern=r"^https?://")
    billing_url: str = Field(pattern=r"^https?://")
    compliance_url: str = Field(pattern=r"^https?://")
    generation_url: str = Field(pattern=r"^https?://")
    inbox_url: str = Field(pattern=r"^https?://")
    publisher_url: str = Field(pattern=r"^https?://")
    auth_secret: SealingKey = SecretStr("")
    """What the gateway shares with auth: 32 random bytes in base64url; without it no API key is let in."""
    inbox_secret: SealingKey = SecretStr("")
    """What the gateway shares with the inbox: 32 random bytes in base64url; without it nobody counts as connected."""
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")

    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    staff_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    """From where staff may come; to others their doors are not there. Without any they may come from anywhere."""
    cors_origins: Annotated[frozenset[str], NoDecode] = frozenset()

    policy_file: Path = Field(default_factory=shipped)
    """The classes by which requests are counted; without it, the policy.toml that comes with the gateway."""
    limit_scale: float = Field(1.0, gt=0)
    """Multiplies every burst and rate; raised in development, where all callers share one address."""
    limit_processes: int = Field(1, ge=1)
    """How many gateway processes share the limits; without Redis each grants this fraction of them."""

    max_in_flight: int = Field(1024, ge=1)
    max_connections: int = Field(4096, ge=1)
    max_connections_per_address: int = Field(1024, ge=1)
    """Connections that one address (or one /64) may hold; trusted proxies are not counted."""
    max_listeners: int = Field(3000, ge=1)
    """Connections that outlive a request: browsers in real time, WebSockets to services."""
    cache_bytes: int = Field(32 * 1024 * 1024, ge=0)
    """What each process keeps of answers; 0 turns the cache off, in Redis too."""
    drain_notice: float = Field(0.0, ge=0)
    """Seconds between turning unready and no longer accepting, for the load balancer to notice."""
    drain_seconds: int = Field(20, ge=0)

    @field_validator("trusted_proxies", "staff_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        listed = _listed(value)
        return tuple(ip_network(part) for part in listed) if isinstance(listed, list) else listed

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        listed = _listed(value)
        if not isinstance(listed, list):
            return listed
        if any("*" in origin or origin == "null" for origin in listed):
            raise ValueError("origins are named one by one; neither * nor null")
        return frozenset(origin.rstrip("/").lower() for origin in listed)

    @field_validator("policy_file", mode="after")
    @classmethod
    def _usable(cls, path: Path) -> Path:
        try:
            read(path, RATES)
        except PolicyRefused as refused:
            raise ValueError(str(refused)) from refused
        return path

    @property
    def admin_listen_port(self) -> int:
        """The port of the operator's doors."""
        return self.admin_port or (self.http_port and self.http_port + 1)
