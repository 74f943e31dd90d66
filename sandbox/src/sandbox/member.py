from collections.abc import Sequence
from typing import Protocol

from fastapi import APIRouter

from sandbox.faults import Door, Faults
from sandbox.received import Received
from sandbox.webhooks import WebhookSender


class Server(Protocol):
    """A listener of a member that does not speak HTTP."""

    @property
    def address(self) -> str:
        """Where it listens, as host:port."""

    @property
    def listening(self) -> bool:
        """Whether a client can connect now."""

    async def start(self) -> None:
        """Begin to listen."""

    async def stop(self) -> None:
        """Cut all connections and stop listening."""


class Member(Protocol):
    """A third party as the platform meets it.

    Its doors are the paths the platform calls: recorded, and subject to faults. Whatever else its router holds
    is for those who watch (tests, people) and always works.
    """

    @property
    def name(self) -> str:
        """Its name in the control API."""

    @property
    def about(self) -> str:
        """One sentence on what it stands for."""

    @property
    def door(self) -> Door:
        """What is spoken at its door, and so which rules make sense."""

    @property
    def doors(self) -> Sequence[str]:
        """The beginnings of its HTTP paths; none where the door is not HTTP."""

    @property
    def faults(self) -> Faults:
        """What shall go wrong."""

    @property
    def received(self) -> Received:
        """What came to its door."""

    @property
    def webhooks(self) -> WebhookSender | None:
        """What it sends by itself, if it does."""

    @property
    def router(self) -> APIRouter:
        """All of its HTTP paths."""

    @property
    def servers(self) -> Sequence[Server]:
        """Its listeners beside HTTP."""

    def reset(self) -> None:
        """Forget what it holds; its faults, received calls and webhooks are reset by the frame."""
