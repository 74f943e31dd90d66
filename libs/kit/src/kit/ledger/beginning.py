"""Begins blocks: what was claimed may be called once the row of its block was taken away."""

import asyncio
from typing import Final

import structlog

from kit.db.database import Database
from kit.errors import TransientError
from kit.ledger import pace

log = structlog.get_logger(__name__)

_LEAST, _MOST = 0.01, 0.1
_FADES: Final = 0.9


class Beginning:
    """Asks for blocks, all that are wanted meanwhile in one statement.

    Whoever takes the row of a block away has it: a worker, which calls then, or the sweep, which lets its effects
    wait again. So what nobody has begun has not left, and what has begun is never given to another one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: dict[int, asyncio.Future[bool]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._takes = 0.0

    @property
    def ahead(self) -> float:
        """How many seconds before its first slot a block is to be asked for: about twice what it took of late."""
        return min(_MOST, _LEAST + 2 * self._takes)

    def begin(self, block_id: int) -> "asyncio.Future[bool]":
        """Whether its calls may begin: not where the sweep had it, and not where nobody knows who had it."""
        self._asked[block_id] = future = asyncio.get_running_loop().create_future()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return future

    async def _ask(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            ours: set[int] = set()
            began = pace.now()
            try:
                rows = await self._database.statement("SELECT * FROM ledger_begin($1)", list(asked))
                ours = {row["block_id"] for row in rows}
            except TransientError as trouble:
                log.warning("ledger.not_begun", error=type(trouble).__name__, blocks=len(asked))
            except Exception:
                log.exception("ledger.not_begun", blocks=len(asked))
            finally:
                self._takes = max(pace.now() - began, self._takes * _FADES)
                for block_id, future in asked.items():
                    if not future.done():
                        future.set_result(block_id in ours)
