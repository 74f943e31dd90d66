"""Whose accounts a token opens: the pages of a person at Facebook, and what belongs to them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kit.http.client import NotSent
from kit.http.client import Refused as Rejected
from kit.http.client import Unanswered as Silent
from kit.ledger.model import Refused, Unanswered
from publisher.accounts.model import AccountKind
from publisher.platforms.base import Identity, Tokens
from publisher.platforms.meta.graph import GraphApi, Outcomes, no_longer
from publisher.platforms.meta.oauth import FacebookLogin, page_tokens


@contextmanager
def told_by(reason: str) -> Iterator[None]:
    """Whatever goes wrong with asking whose an account is, the person connects it again.

    Raises:
        Refused: it is not told.
    """
    try:
        yield
    except (Rejected, NotSent, Silent, Unanswered) as trouble:
        raise Refused(reason, code="nobody", said=str(trouble)) from trouble


@dataclass(frozen=True, slots=True)
class PageAccounts:
    """The accounts on which a person may publish, each with the token of the page to which it belongs.

    `account` says of a page with these `fields` which account it is, by id and name, if any; `silent` and `none` are
    what a person reads when they are not told, and when there are none.
    """

    outcomes: Outcomes
    fields: str
    account: Callable[[Mapping[str, Any]], tuple[str, str] | None]
    silent: str
    none: str

    async def identities(self, graph: GraphApi, tokens: Tokens) -> list[Identity]:
        """All of them.

        Raises:
            Refused: there is none, or it is not told.
        """
        with told_by(self.silent):
            found = await self._of(graph, tokens)
        if not found:
            raise Refused(self.none, code="no-page")
        return found

    async def renew(self, graph: GraphApi, login: FacebookLogin, person_token: str, external_id: str) -> Tokens:
        """A newer token of the person, and the page's token that it opens.

        Raises:
            Refused: the permission has ended, or does not open this account any more.
            NotAccepted, Parked: not now.
        """
        person = await login.renew(person_token)
        with self.outcomes.harmless():
            for identity in await self._of(graph, person):
                if identity.external_id == external_id and identity.tokens is not None:
                    return identity.tokens
        raise no_longer(self.outcomes.name)

    async def _of(self, graph: GraphApi, tokens: Tokens) -> list[Identity]:
        grantor = str((await graph.get("/me", tokens.access_token, fields="id")).get("id") or "")
        found = []
        async for page in graph.all("/me/accounts", tokens.access_token, fields=self.fields, limit="100"):
            account, token = self.account(page), page.get("access_token")
            if account is not None and isinstance(token, str):
                whose = page_tokens(tokens, token)
                found.append(Identity(AccountKind.ORGANIZATION, *account, whose, grantor))
        return found
