"""The language of a mail: what the browser of whoever causes it asks for."""

from typing import Annotated, Final

from fastapi import Depends, Header

from kit.mail.locales import preferred

LANGUAGES: Final = frozenset({"en", "de"})


async def language(accept_language: Annotated[str | None, Header(max_length=1000)] = None) -> str:
    """The best of our languages."""
    return preferred(accept_language, LANGUAGES)


Language = Annotated[str, Depends(language)]
