"""Rules of the house that no linter knows."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from contracts.audit import AuditEntry
from contracts.consumers import CONSUMERS
from contracts.registry import EVENTS

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "billing", "compliance", "generation", "inbox", "publisher")


def sources(*folders: str) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("service", SERVICES)
def test_settings_are_read_by_main_and_bootstrap_alone(service: str) -> None:
    allowed = {"__main__.py", "bootstrap.py", "settings.py"}
    for path, text in sources(f"services/{service}/src"):
        if path.name not in allowed:
            assert f"{service}.settings" not in set(imports(text)), f"{path} imports settings; let it receive values"


def test_sql_stands_in_repositories_migrations_and_kit_only() -> None:
    statement = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|DELETE FROM|UPDATE [a-z_]+\s+SET)\b", re.DOTALL)
    for path, text in sources(*(f"services/{service}/src" for service in SERVICES)):
        if path.name == "repository.py":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not statement.search(node.value), f"{path}:{node.lineno} holds SQL; move it to a repository"


def test_no_test_patches_the_code_it_tests() -> None:
    forbidden = re.compile(r"unittest\.mock|monkeypatch\.setattr|mocker\.|MagicMock|AsyncMock")
    here = Path(__file__).relative_to(ROOT)
    for path, text in sources("libs", "services", "gateway", "sandbox", "deploy", "tests"):
        if path != here:
            assert not forbidden.search(text), f"{path} patches; give the fake through the constructor"


def test_the_listed_consumers_are_the_subscriptions_of_the_services() -> None:
    listed = {(consumer, event.type) for event, names in CONSUMERS.items() for consumer in names}
    subscribed = {
        (service, subscription.event.type)
        for service in SERVICES
        for subscription in import_module(f"{service}.worker").SUBSCRIPTIONS
    }
    assert listed == subscribed


def test_every_event_is_emitted_by_the_service_it_is_named_after() -> None:
    for event in EVENTS:
        if issubclass(event, AuditEntry):
            continue  # made by kit.audit, which finds the class by the action
        service = event.type.partition(".")[0]
        made = rf"\b{event.__name__}\(|\bPrivacy\([^()]*\b{event.__name__}\b"  # answers are made by kit.privacy
        used = [path for path, text in sources(f"services/{service}/src") if re.search(made, text)]
        assert used, f"nothing in services/{service} emits {event.__name__}"


@pytest.mark.parametrize("member", [*(f"services/{service}" for service in SERVICES), "gateway"])
def test_each_readme_tells_what_is_owned_emitted_consumed_called_and_set(member: str) -> None:
    text = (ROOT / member / "README.md").read_text()
    for heading in ("Owns", "Emits", "Consumes", "Calls", "Settings"):
        assert re.search(rf"^## {heading}$", text, re.MULTILINE), f"{member}/README.md has no heading '{heading}'"


def test_no_source_file_has_grown_past_what_can_be_read_at_once() -> None:
    for path, text in sources("libs", "services", "gateway", "sandbox", "deploy"):
        if "/src/" in str(path):
            assert text.count("\n") <= 500, f"{path} has {text.count(chr(10))} lines; split it by meaning"
