import base64
import json
import socket
import stat
from pathlib import Path

from local.state import SERVICES, State


def test_names_are_drawn_once_and_belong_to_one_checkout(tmp_path: Path) -> None:
    one, same, other = State.of(tmp_path / "a"), State.of(tmp_path / "a"), State.of(tmp_path / "b")
    assert len(one.install_id) == 6
    assert one.database == same.database == f"rostrum_{one.install_id}"
    assert one.role_prefix == f"rostrum_{one.install_id}_"
    assert one.namespace == f"rostrum-{one.install_id}"
    assert one.install_id != other.install_id


def test_secrets_are_kept_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    state = State.of(tmp_path)
    key, word = state.sealing_key("auth"), state.secret("database_auth")
    assert (state.sealing_key("auth"), state.secret("database_auth")) == (key, word)
    assert len(base64.urlsafe_b64decode(key)) == 32
    file = state.folder / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(json.loads(file.read_text())) == {"sealing_key", "database_auth"}
    assert len({state.sealing_key(service) for service in SERVICES}) == len(SERVICES)


def test_ports_are_kept_until_somebody_else_takes_one(tmp_path: Path) -> None:
    state = State.of(tmp_path)
    first = state.ports(("sandbox", "auth"))
    assert state.ports(("sandbox", "auth")) == first
    with socket.create_server(("127.0.0.1", first["auth"])):
        later = state.ports(("sandbox", "auth"))
        assert later["sandbox"] == first["sandbox"]
        assert later["auth"] != first["auth"]
