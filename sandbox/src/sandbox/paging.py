from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from sandbox.ring import Page

T = TypeVar("T")
Out = TypeVar("Out")

Limit = Annotated[int, Query(ge=1, le=200)]
Newest = Annotated[int, Query(ge=1, le=20_000)]
"""How many of the newest, where there are no further pages."""
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")]


class PageOut(BaseModel, Generic[T]):
    """A list, newest first, and the cursor of the next older page."""

    items: list[T]
    next_cursor: str | None


def page_out(page: Page[T], render: Callable[[T], Out]) -> PageOut[Out]:
    """A page as it is answered."""
    return PageOut(items=[render(item) for item in page.items], next_cursor=page.next_cursor)
