"""What is done alike to what is live at Facebook, Instagram and Threads: commented on, and taken down."""

from dataclasses import dataclass
from datetime import timedelta

from kit.ledger.model import Found, Look, NotFound, Receipt, Refused
from publisher.platforms.base import Outgoing
from publisher.platforms.meta.graph import GraphApi, Outcomes, comparable, named, token_of


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments below a post, newest first; `text` and `by` are the fields of their text and time."""

    graph: GraphApi
    outcomes: Outcomes
    text: str
    by: str

    async def write(self, outgoing: Outgoing, *, again: bool) -> Receipt:
        """Write one as the account."""
        with self.outcomes.of(again=again):
            token = token_of(outgoing.access_token)
            body = await self.graph.post(f"/{outgoing.reply_to}/comments", token, message=outgoing.text)
            return Receipt(named(body, "id"), said="commented")

    async def find(self, outgoing: Outgoing, age: timedelta, **asked: str) -> Look:
        """Find the one that was written; `asked` is how they are listed."""
        wanted, path = comparable(outgoing.text), f"/{outgoing.reply_to}/comments"
        fields = f"id,{self.text},{self.by}"
        with self.outcomes.of(again=False):
            token = token_of(outgoing.access_token)
            async for each in self.graph.recent(path, token, age=age, by=self.by, fields=fields, **asked):
                if comparable(each.get(self.text)) == wanted:
                    return Found(Receipt(str(each.get("id")), said=f"found {each.get('id')}"))
        return NotFound("no such comment")


async def delete(graph: GraphApi, outcomes: Outcomes, path: str, token: str) -> None:
    """Take something away; what is not there is gone."""
    try:
        with outcomes.harmless():
            await graph.delete(path, token)
    except Refused as refused:
        if refused.code != "not-there":
            raise
