"""The doors of the inbox."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from inbox.channels.router import router as channels
from inbox.contacts.router import router as contacts
from inbox.conversations.router import router as conversations
from inbox.media.router import router as media
from inbox.messages.router import router as messages

ROUTERS: Final[Sequence[APIRouter]] = (channels, contacts, conversations, messages, media)
