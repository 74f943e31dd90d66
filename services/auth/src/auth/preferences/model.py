from collections.abc import Iterable
from dataclasses import dataclass

from auth.mails.model import CATEGORIES
from auth.preferences.errors import MailCategoryEssential, MailCategoryUnknown


@dataclass(frozen=True, slots=True)
class Wish:
    """Whether somebody wants mails of a category; what they have asked for themselves comes in any case."""

    category: str
    wanted: bool
    essential: bool = False


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody does not want, and how often that has changed."""

    unwanted: frozenset[str]
    version: int

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """All categories there are."""
        return tuple(Wish(each.name, each.name not in self.unwanted, each.essential) for each in CATEGORIES)

    def changed(self, wishes: Iterable[Wish]) -> frozenset[str]:
        """What is unwanted after these wishes; categories that are not named stay as they are.

        Raises:
            MailCategoryUnknown: there is no such category.
            MailCategoryEssential: it cannot be refused.
        """
        essential = {each.name: each.essential for each in CATEGORIES}
        unwanted = set(self.unwanted)
        for wish in wishes:
            if wish.category not in essential:
                raise MailCategoryUnknown
            if essential[wish.category]:
                if not wish.wanted:
                    raise MailCategoryEssential
            elif wish.wanted:
                unwanted.discard(wish.category)
            else:
                unwanted.add(wish.category)
        return frozenset(unwanted)
