from dataclasses import dataclass
from typing import Any

from auth.oauth.metadata import metadata


@dataclass(frozen=True, slots=True)
class Server:
    """What this authorization server says of itself."""

    issuer: str
    public_url: str

    def metadata(self) -> dict[str, Any]:
        """The document that programs begin with."""
        return metadata(self.issuer, self.public_url)
