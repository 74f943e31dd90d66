from collections.abc import Callable

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings, load


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SAMPLE_")


GOOD = {
    "SAMPLE_HTTP_PORT": "8001",
    "SAMPLE_DATABASE_URL": "postgresql://app:hunter2@127.0.0.1/rostrum",
    "SAMPLE_JWKS_URL": "http://127.0.0.1:8001/.well-known/jwks.json",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_all(**more: str) -> None:
        for name, value in {**GOOD, **more}.items():
            monkeypatch.setenv(name, value)

    return set_all


def test_settings_come_from_the_environment_and_never_show_a_password(environment: Callable[..., None]) -> None:
    environment(SAMPLE_UNKNOWN="x")
    settings = load(Settings)
    assert settings.http_port == 8001
    assert settings.database_url.get_secret_value().endswith("/rostrum")
    assert settings.database_direct_url == settings.database_url
    assert "hunter2" not in repr(settings) + str(settings.model_dump())


def test_settings_cannot_be_changed(environment: Callable[..., None]) -> None:
    environment()
    settings = load(Settings)
    with pytest.raises(ValidationError):
        settings.http_port = 1


def test_the_direct_address_may_differ(environment: Callable[..., None]) -> None:
    environment(SAMPLE_DATABASE_DIRECT_URL="postgresql://direct/")
    assert load(Settings).database_direct_url.get_secret_value() == "postgresql://direct/"


@pytest.mark.parametrize("alone", ["SAMPLE_COMPLIANCE_URL", "SAMPLE_COMPLIANCE_SECRET"])
def test_compliance_is_told_of_wholly_or_not_at_all(
    environment: Callable[..., None], alone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of it would silently mean keys of our own, which no erasure reaches."""
    both = {"SAMPLE_COMPLIANCE_URL": "http://compliance", "SAMPLE_COMPLIANCE_SECRET": "A" * 43}
    environment(**{alone: both[alone]})
    with pytest.raises(SystemExit):
        load(Settings)
    told = capsys.readouterr().err
    assert "COMPLIANCE_URL and COMPLIANCE_SECRET" in told
    assert "A" * 43 not in told
    environment(**both)
    assert load(Settings).compliance_url == "http://compliance"


def test_every_wrong_variable_is_named_without_its_value_and_the_exit_status_is_two(
    environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(SAMPLE_HTTP_PORT="hunter2", SAMPLE_TRACE_SAMPLE="7", SAMPLE_LOG_LEVEL="loud")
    monkeypatch.delenv("SAMPLE_DATABASE_URL")
    with pytest.raises(SystemExit) as left:
        load(Settings)
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert "SAMPLE_DATABASE_URL: is not set" in told
    for name in ("SAMPLE_HTTP_PORT", "SAMPLE_TRACE_SAMPLE", "SAMPLE_LOG_LEVEL"):
        assert f"{name}: " in told
    assert "hunter2" not in told
