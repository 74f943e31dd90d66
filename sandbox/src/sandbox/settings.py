from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SandboxSettings(BaseSettings):
    """Where the sandbox listens; port 0 takes any free one and the first log line names it."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_", frozen=True)

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8900, ge=0, le=65535)
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=0, le=65535)
    browser_url: str = Field(default="", pattern=r"^(https?://[^\s?#/]+)?$")
    """Where browsers find the sandbox, if by another address than services do: for the pages where people sign in."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
