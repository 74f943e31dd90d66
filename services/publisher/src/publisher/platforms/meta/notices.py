"""Meta's subscriptions: a page tells our application of what people do there only when that is asked for."""

from dataclasses import dataclass

from kit.ledger.model import Receipt
from publisher.platforms.meta.graph import GraphApi, Outcomes
from publisher.platforms.meta.nodes import delete


@dataclass(frozen=True, slots=True)
class MetaNotices:
    """Has a page's webhooks come to our application. Which address that is, stands in Meta's dashboard.

    `edge` is where it is asked for, with `{page}` in it; notifications of a professional account at Instagram come
    by the page to which it belongs, whose token ours is.
    """

    graph: GraphApi
    outcomes: Outcomes
    edge: str
    fields: str
    on: bool

    async def subscribe(self, page: str, token: str) -> Receipt:
        """Subscribe our application; asking twice is asking once."""
        with self.outcomes.harmless():
            await self.graph.post(self.edge.format(page=page), token, subscribed_fields=self.fields)
        return Receipt(said="subscribed")

    async def unsubscribe(self, page: str, token: str) -> Receipt:
        """End that; what is not there has ended."""
        await delete(self.graph, self.outcomes, self.edge.format(page=page), token)
        return Receipt(said="ended")
