"""The data map: what every column and event field holds, about whom, for what, how long."""

from pathlib import Path

import pytest

from contracts.registry import EVENTS
from kit.privacy import __main__ as data
from kit.privacy.checking import faults_of_events, faults_of_service, tables_of

ROOT = Path(__file__).parents[2]
KIT = data.of(ROOT, data.KIT)
SERVICES = data.services(ROOT)


@pytest.mark.parametrize("service", SERVICES)
def test_every_column_of_a_service_is_classified(service: str) -> None:
    schema = ROOT / "services" / service / "src" / service / "migrations" / "schema.sql"
    found = faults_of_service(SERVICES[service], KIT, tables_of(schema.read_text("utf-8")))
    assert found == [], "\n".join(["", *found])


def test_every_field_of_an_event_is_classified_and_none_carries_open_what_people_wrote() -> None:
    found = faults_of_events(data.of(ROOT, data.EVENTS), EVENTS)
    assert found == [], "\n".join(["", *found])


@pytest.mark.parametrize("service", SERVICES)
def test_no_table_of_a_schema_is_overlooked(service: str) -> None:
    text = (ROOT / "services" / service / "src" / service / "migrations" / "schema.sql").read_text("utf-8")
    assert len(tables_of(text)) == text.count("CREATE TABLE ")


def test_the_committed_data_map_is_current() -> None:
    """Run `make docs` after changing a `data.toml`."""
    assert (ROOT / data.DOCUMENT).read_text("utf-8") == data.current(ROOT)
