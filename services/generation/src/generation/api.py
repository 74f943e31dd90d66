"""The doors of generation."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from generation.assistant.router import router as assistant
from generation.batches.router import router as batches
from generation.budgets.router import router as budgets
from generation.calls.router import router as usage
from generation.drafts.router import router as drafts
from generation.generations.router import router as generations
from generation.moderations.router import router as moderations
from generation.templates.router import router as templates
from generation.voices.router import router as voices

ROUTERS: Final[Sequence[APIRouter]] = (
    generations,
    drafts,
    assistant,
    batches,
    voices,
    templates,
    moderations,
    budgets,
    usage,
)
