"""Before the processes start: the database with its roles, the migrations, the topology of the broker."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.db.provision import create_database, provision
from local.plan import Plan
from local.state import SERVICES


class StepFailed(Exception):
    """A step before the start failed; `log` has what it said."""

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(what)
        self.log = log


@dataclass(frozen=True, slots=True)
class Preparation:
    """What must have happened before a service may start; all of it can be repeated."""

    plan: Plan

    async def provide_database(self) -> bool:
        """Make our database, roles and schemas.

        Returns:
            True when the database was made now.

        Raises:
            ForeignDatabase: a database of our name carries another mark.
        """
        state = self.plan.state
        made = await create_database(self.plan.servers.postgres.url, state.database, mark=state.mark)
        passwords: Mapping[str, str | None] = {name: state.secret(f"database_{name}") for name in SERVICES}
        await provision(self.plan.admin_url, passwords, role_prefix=state.role_prefix)
        return made

    async def migrate_and_declare(self) -> None:
        """Bring each schema up to date and declare exchanges and queues, all services at once.

        Raises:
            StepFailed: one of them ended with an error.
        """
        outcomes = await asyncio.gather(*map(self._release, SERVICES), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _release(self, service: str) -> None:
        log = self.plan.state.logs / f"{service}-release.log"
        arguments, environment = self.plan.command("local.release", service), self.plan.migration_environment(service)
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=environment
            )
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                process.kill()
                await process.wait()
                raise
        if status:
            raise StepFailed(f"migrating {service} and declaring its queues failed (status {status})", log)
