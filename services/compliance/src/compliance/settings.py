from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.seal.sealer import Sealer
from kit.settings import SealingKey, ServiceSettings


class ComplianceSettings(ServiceSettings):
    """COMPLIANCE_*: how long an erasure can be taken back, the audit trail's name, and who may ask for keys."""

    model_config = SettingsConfigDict(env_prefix="COMPLIANCE_")

    erasure_grace_days: int = Field(30, ge=0, le=30)
    audit_origin: str = Field("rostrum.local/audit", pattern=r"^[a-z0-9.-]{1,100}(/[a-z0-9._-]{1,50})*$")
    """Read when the key is made at the first start; the log keeps that name for ever."""
    client_secrets: dict[Annotated[str, Field(pattern=r"^[a-z]{1,40}$")], SealingKey] = Field(default_factory=dict)
    """A JSON object: by service, what it shares with us, its `<SERVICE>_COMPLIANCE_SECRET`; empty lets nobody in."""

    def clients(self) -> dict[str, Sealer]:
        """The services that may call, each with its secret."""
        shown = {service: secret.get_secret_value() for service, secret in self.client_secrets.items()}
        return {service: Sealer.from_text(secret) for service, secret in shown.items() if secret}
