"""The three roles of a service and its schema; nothing else has any right on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceRoles:
    """Names of a service's schema and roles.

    `owner` owns the tables and cannot log in; `app` logs in and is held by row-level security; `loops` owns the few
    SECURITY DEFINER functions that look across tenants.
    """

    service: str
    prefix: str = "rostrum_"

    @property
    def schema(self) -> str:
        """The schema, named like the service."""
        return self.service

    @property
    def owner(self) -> str:
        """Owns tables; used by migrations through SET ROLE."""
        return f"{self.prefix}{self.service}_owner"

    @property
    def app(self) -> str:
        """What the service logs in as."""
        return f"{self.prefix}{self.service}_app"

    @property
    def loops(self) -> str:
        """Owns the narrow functions that cross tenants."""
        return f"{self.prefix}{self.service}_loops"

    @property
    def all(self) -> tuple[str, str, str]:
        """Owner, app and loops."""
        return (self.owner, self.app, self.loops)
