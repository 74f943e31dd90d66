import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from signal import SIGINT
from tempfile import NamedTemporaryFile
from typing import Any, ClassVar

from local.private_servers.server import PrivateServer, ServerDidNotStart

_VERSIONS = Path("/usr/lib/postgresql")
_SHELTER = "/var/lib/rostrum-"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "log_min_messages": "warning",
}


class PrivatePostgres(PrivateServer):
    """A PostgreSQL cluster of our own, its administrator behind a random password.

    PostgreSQL refuses to run as root, so root starts it as `postgres` (or `nobody`). Where that account may
    not reach the folder, the data lies in a folder under /var/lib instead, named after it.
    """

    name = "postgres"
    leave_signal = SIGINT  # its "fast" shutdown: connected clients are told to go
    executables: ClassVar[tuple[str, ...]] = ("initdb", "postgres")

    def __init__(self, folder: Path, *, logs: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, logs=logs)
        self._settings = _SETTINGS | dict(settings or {})

    @classmethod
    def installed(cls) -> bool:
        """Whether the programs are on this machine."""
        return all(_program(name) for name in cls.executables)

    @property
    def url(self) -> str:
        """The administrator's address."""
        return f"postgresql://postgres:{self._record()['password']}@127.0.0.1:{self.port}/postgres"

    def remove(self) -> None:
        """End it and delete its data, also where it lies outside the folder."""
        data = self._data
        super().remove()
        shutil.rmtree(data, ignore_errors=True)

    @property
    def _data(self) -> Path:
        kept = self._record().get("data")
        if kept:
            return Path(kept)
        account = self._account()
        if account is None or _reachable(self.folder, account):
            return self.folder / "data"
        return Path(_SHELTER + sha256(bytes(self.folder)).hexdigest()[:12])

    @staticmethod
    def _account() -> pwd.struct_passwd | None:
        """Whom to run as; None when we are nobody special ourselves."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        return known.get("postgres") or known["nobody"]

    def _credentials(self) -> dict[str, Any]:
        account = self._account()
        if account is None:
            return {}
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}

    def _prepare(self) -> None:
        record, data, account = self._record(), self._data, self._account()
        if record.get("initialised"):
            return
        if data.exists() and "password" not in record:
            raise ServerDidNotStart(f"{data} holds a cluster whose password is not known here; move it away")
        shutil.rmtree(data, ignore_errors=True)  # an attempt that was cut off
        data.mkdir(parents=True, mode=0o700)
        if account:
            os.chown(data, account.pw_uid, account.pw_gid)
        password = secrets.token_urlsafe(24)
        self._remember(data=str(data), password=password)
        self._initialise(data, password, account)
        self._remember(initialised=True)

    def _initialise(self, data: Path, password: str, account: pwd.struct_passwd | None) -> None:
        with NamedTemporaryFile("w", encoding="utf-8") as word, self.log.open("ab") as log:
            word.write(password)
            word.flush()
            if account:
                os.chown(word.name, account.pw_uid, account.pw_gid)
            done = subprocess.run(  # noqa: S603
                [
                    _program("initdb"),
                    *("--pgdata", str(data), "--username", "postgres", "--pwfile", word.name),
                    *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                check=False,
                **self._credentials(),
            )
        if done.returncode:
            shutil.rmtree(data, ignore_errors=True)
            raise ServerDidNotStart(f"initdb failed; the end of {self.log}:\n{self._tail()}")

    def _command(self) -> Sequence[str]:
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        return [_program("postgres"), "-D", str(self._data), "-p", str(self.port), *settings]

    def _answers(self) -> bool:
        """The server writes its state into the eighth line of its pid file."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        identity = self._identity()
        ours = identity is not None and lines[:1] == [str(identity.pid)]
        return ours and len(lines) > 7 and lines[7].strip() == "ready"


def _program(name: str) -> str:
    """The newest installed one; Debian keeps each version in its own folder, off the path."""
    versions = [path for path in _VERSIONS.glob(f"*/bin/{name}") if path.parts[-3].isdigit()]
    if versions:
        return str(max(versions, key=lambda path: int(path.parts[-3])))
    return shutil.which(name) or ""


def _reachable(folder: Path, account: pwd.struct_passwd) -> bool:
    """Whether the account may walk down to the folder, asked of the system itself."""
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    asked = subprocess.run(  # noqa: S603
        ["/usr/bin/test", "-x", str(nearest)],
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return asked.returncode == 0
