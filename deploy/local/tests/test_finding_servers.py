"""The order in which servers are looked for, with made-up environments and listeners that lie."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from local.backing import Finder, Unusable, finding
from local.backing.debian import no_service_starts
from local.backing.probes import KINDS, OVER_TCP, POSTGRES, RABBIT, REDIS, Kind, shown
from local.private_servers import PrivateServer
from local.processes import free_port
from local.state import State


@dataclass
class Machine:
    """A make-believe machine: which addresses work, what is installed, and what was done to it."""

    working: set[str] = field(default_factory=set)
    installed: set[str] = field(default_factory=set)
    root: bool = False
    engine: bool = False
    said: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def kind(self, model: Kind) -> Kind:
        async def usable(url: str, *, patience: float = 1.0) -> None:
            if url not in self.working:
                raise Unusable(f"nobody there within {patience} s")

        return replace(model, usable=usable, standard=lambda: [f"standard-{model.name}"])

    def private(self, model: Kind) -> type[PrivateServer]:
        machine = self

        class Private(PrivateServer):
            name = model.name

            @classmethod
            def installed(cls) -> bool:
                return model.package in machine.installed

            @property
            def url(self) -> str:
                return f"private-{model.name}"

            @property
            def running(self) -> bool:
                return self.url in machine.working

            def start(self) -> None:
                machine.done.append(f"start {model.name}")
                machine.working.add(self.url)

            def _prepare(self) -> None:
                """Nothing is needed."""

            def _command(self) -> Sequence[str]:
                return ()

            def _answers(self) -> bool:
                return True

        return Private

    def finder(self, tmp_path: Path, environ: Mapping[str, str] | None = None) -> Finder:
        def install(packages: Sequence[str], _: Path) -> None:
            self.done.append(f"install {' '.join(packages)}")
            self.installed.update(packages)

        return Finder(
            State.of(tmp_path),
            environ or {},
            self.said.append,
            kinds=[self.kind(kind) for kind in KINDS],
            compose_answers=lambda: self.engine,
            can_install=lambda: self.root,
            install=install,
            private={kind.name: self.private(kind) for kind in KINDS},
        )


STANDARD = {f"standard-{kind.name}" for kind in KINDS}
PACKAGES = {kind.package for kind in KINDS}


async def test_an_address_in_the_environment_comes_before_everything(tmp_path: Path) -> None:
    machine = Machine(working={"mine", *STANDARD})
    servers = await machine.finder(tmp_path, {"ROSTRUM_REDIS_URL": "mine"}).find()
    assert (servers.redis.url, servers.redis.source) == ("mine", "environment")
    assert servers.postgres.source == servers.rabbitmq.source == "standard"


async def test_a_given_address_that_does_not_answer_is_an_error_and_never_replaced(tmp_path: Path) -> None:
    machine = Machine(working=set(STANDARD), installed=PACKAGES, root=True)
    finder = machine.finder(tmp_path, {"ROSTRUM_BROKER_URL": "amqp://me:hush@broker.example/"})
    with pytest.raises(Unusable, match="ROSTRUM_BROKER_URL") as refusal:
        await finder.find()
    assert "hush" not in str(refusal.value)
    assert machine.done == []


async def test_installed_servers_are_started_privately_when_no_standard_port_helps(tmp_path: Path) -> None:
    machine = Machine(working={"standard-redis"}, installed=PACKAGES, root=True)
    servers = await machine.finder(tmp_path).find()
    assert [found.source for _, found in servers.items()] == ["private", "standard", "private"]
    assert sorted(machine.done) == ["start postgres", "start rabbitmq"]


async def test_root_installs_only_the_packages_that_are_missing(tmp_path: Path) -> None:
    machine = Machine(installed={"redis-server"}, root=True)
    await machine.finder(tmp_path).find()
    assert machine.done == [
        "start redis",
        "install postgresql rabbitmq-server",
        "start postgres",
        "start rabbitmq",
    ]


async def test_without_any_way_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as refusal:
        await Machine(working={"standard-redis"}).finder(tmp_path).find()
    assert "apt-get install -y --no-install-recommends postgresql rabbitmq-server" in str(refusal.value)
    assert "ROSTRUM_ADMIN_DATABASE_URL" in str(refusal.value)


async def test_a_server_that_was_started_here_keeps_its_place_before_the_standard_port(tmp_path: Path) -> None:
    """Else the data would seem lost as soon as somebody starts the system's server."""
    machine = Machine(installed=PACKAGES)
    await machine.finder(tmp_path).find()
    machine.working |= STANDARD
    servers = await machine.finder(tmp_path).find()
    assert {found.source for _, found in servers.items()} == {"private"}


async def test_a_move_to_another_server_is_said(tmp_path: Path) -> None:
    machine = Machine(working=set(STANDARD), installed=PACKAGES)
    await machine.finder(tmp_path).find()
    machine.working.discard("standard-postgres")
    await machine.finder(tmp_path).find()
    assert any("postgres: standard until now, private from now on" in line for line in machine.said)


async def test_the_steps_can_be_restricted_and_a_wrong_name_is_refused(tmp_path: Path) -> None:
    machine = Machine(working=set(STANDARD), installed=PACKAGES)
    servers = await machine.finder(tmp_path, {"ROSTRUM_SERVERS": "private"}).find()
    assert {found.source for _, found in servers.items()} == {"private"}
    with pytest.raises(Unusable, match="ROSTRUM_SERVERS"):
        await machine.finder(tmp_path, {"ROSTRUM_SERVERS": "cloud"}).find()


@contextlib.contextmanager
def listener(greeting: bytes) -> Iterator[int]:
    """Something that listens, says one thing to everybody and is no server of ours."""

    class Talk(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.settimeout(60)
                self.request.recv(1)
                self.request.sendall(greeting)
                while self.request.recv(4096):
                    pass

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Listener(("127.0.0.1", 0), Talk) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\x00"], ids=repr)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_listener_that_is_something_else_is_not_taken(kind: Kind, greeting: bytes) -> None:
    scheme = {"postgres": "postgresql://postgres", "redis": "redis://", "rabbitmq": "amqp://guest:guest"}[kind.name]
    with listener(greeting) as port, pytest.raises(Unusable):
        await kind.usable(f"{scheme}@127.0.0.1:{port}/", patience=0.5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_port_where_nobody_listens_is_not_taken(kind: Kind) -> None:
    address = kind.standard()[0]
    standard = {"postgres": "5432", "redis": "6379", "rabbitmq": "5672"}[kind.name]
    with pytest.raises(Unusable):
        await kind.usable(address.replace(standard, str(free_port())))


async def test_the_real_servers_of_the_test_run_are_usable(broker_url: str, redis_url: str) -> None:
    await RABBIT.usable(broker_url, patience=30)
    await REDIS.usable(redis_url, patience=30)


def test_tests_never_take_a_local_socket() -> None:
    assert all("@/" not in url for url in OVER_TCP[0].standard())
    assert any("@/" in url for url in POSTGRES.standard())


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("postgresql://me:hush@db.example:5432/postgres") == "postgresql://db.example:5432/postgres"


def test_services_of_installed_packages_are_kept_from_starting_only_meanwhile(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with no_service_starts(policy):
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & 0o111
    assert not policy.exists()
    policy.write_text("mine")
    with no_service_starts(policy):
        assert policy.read_text() == "mine"
    assert policy.read_text() == "mine"


def test_every_kind_can_be_started_privately() -> None:
    assert set(finding.PRIVATE) == {kind.name for kind in KINDS}
