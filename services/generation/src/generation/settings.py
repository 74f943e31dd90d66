from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class GenerationSettings(ServiceSettings):
    """GENERATION_*: our account at OpenAI, a server of the same kind besides, and what may be spent by default.

    Without any of both a program of ours writes the texts: plausible ones, without network and for nothing.
    """

    model_config = SettingsConfigDict(env_prefix="GENERATION_")

    openai_url: str = Field("https://api.openai.com/v1", pattern=r"^https?://[^\s?#]+$")
    openai_api_key: SecretStr = SecretStr("")
    openai_webhook_secrets: tuple[SecretStr, ...] = ()
    """A JSON list: what OpenAI signs its webhooks with, and for as long as it is changed the former secret."""
    compatible_url: str = Field("", pattern=r"^(https?://[^\s?#]+)?$")
    """Another server that speaks OpenAI's API, such as vLLM, Ollama or LiteLLM; the operator's choice alone."""
    compatible_api_key: SecretStr = SecretStr("")
    gateway_url: str = Field("http://127.0.0.1:8000", pattern=r"^https?://[^\s?#]+$")
    """Where the assistant enters the platform as any client does, with the token of the person it helps."""
    prices_file: str = ""
    """Models and prices in the form of `providers/prices.toml`: they add to ours, and take their place by id."""
    monthly_budget_micros: int = Field(20_000_000, ge=0, lt=2**53)
    """What an organization may spend in a month that has said nothing itself, in millionths of a US dollar."""
