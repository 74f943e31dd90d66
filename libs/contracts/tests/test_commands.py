import json
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.__main__ import documents, main
from contracts.auth import MemberAdded
from contracts.registry import EVENTS

FILE = f"{MemberAdded.type}.json"


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A folder in which everything is frozen as it is now."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    assert main(["freeze", "--schemas", str(folder)]) == 0
    return folder


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    assert main(["docs", "--docs", str(tmp_path / "docs")]) == 0
    return tmp_path / "docs"


def check(schemas: Path, docs: Path) -> int:
    return main(["check", "--schemas", str(schemas), "--docs", str(docs)])


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_freezing_writes_a_schema_per_event_named_after_its_type(schemas: Path) -> None:
    assert {path.name for path in schemas.iterdir()} == {f"{event.type}.json" for event in EVENTS}


def test_what_was_frozen_and_documented_passes_the_check(schemas: Path, docs: Path) -> None:
    assert check(schemas, docs) == 0


def test_freezing_takes_in_an_optional_field_that_was_added(schemas: Path) -> None:
    path = schemas / "auth.session.revoked.v1.json"
    now = path.read_text("utf-8")
    earlier = json.loads(now)
    del earlier["properties"]["session_id"]
    path.write_text(json.dumps(earlier), "utf-8")
    assert main(["freeze", "--schemas", str(schemas)]) == 0
    assert path.read_text("utf-8") == now


def test_freezing_refuses_a_required_field_that_was_added(schemas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = json.loads((schemas / FILE).read_text("utf-8"))
    del earlier["properties"]["role"]
    rewrite(schemas / FILE, properties=earlier["properties"], required=["member_id", "user_id"])
    assert main(["freeze", "--schemas", str(schemas)]) == 1
    assert f"{MemberAdded.type}: data.role is new and required" in capsys.readouterr().err


def test_a_breach_is_refused_and_nothing_is_written(schemas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (schemas / "auth.user.registered.v1.json").unlink()
    rewrite(schemas / FILE, properties={"gone": {"type": "string"}}, required=[])
    before = {path.name: path.read_bytes() for path in schemas.iterdir()}
    assert main(["freeze", "--schemas", str(schemas)]) == 1
    assert {path.name: path.read_bytes() for path in schemas.iterdir()} == before
    assert f"{MemberAdded.type}: data.gone was removed" in capsys.readouterr().err


def test_the_check_names_an_event_that_vanished(
    schemas: Path, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (schemas / "shop.order.placed.v1.json").write_text((schemas / FILE).read_text("utf-8"), "utf-8")
    assert check(schemas, docs) == 1
    assert "shop.order.placed.v1: the event vanished" in capsys.readouterr().err


def test_the_check_names_an_event_that_is_not_frozen(
    schemas: Path, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (schemas / FILE).unlink()
    assert check(schemas, docs) == 1
    assert f"{MemberAdded.type}: not frozen as it is now" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(documents()))
def test_the_check_names_a_document_that_is_out_of_date(
    name: str, schemas: Path, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (docs / name).write_text("old", "utf-8")
    assert check(schemas, docs) == 1
    assert f"{name}: out of date" in capsys.readouterr().err


def test_the_module_runs_as_a_command(docs: Path) -> None:
    command = [sys.executable, "-m", "contracts", "check", "--docs", str(docs)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
