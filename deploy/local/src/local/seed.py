"""The demo organization: made once, through the same public doors as everybody's."""

import httpx

from local.state import State
from local.visitor import Addresses, NotSeen, Visitor

EMAIL = "demo@rostrum.example"
NAME = "Demo Agency"


def password(state: State) -> str:
    """The demo account's password; random, kept with the other secrets."""
    return state.secret("demo_password")


async def seed(state: State, addresses: Addresses) -> None:
    """Make the demo account and its organization unless they are there.

    Raises:
        NotSeen: the platform answered something else than it should.
    """
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        visitor = Visitor(addresses, http, EMAIL, password(state))
        try:
            await visitor.sign_in()
        except NotSeen:
            await visitor.sign_up()
            await visitor.verify()
            await visitor.sign_in()
        mine = await visitor.call("GET", "/v1/organizations", expect=200)
        if not mine.json()["items"]:
            await visitor.create_organization(NAME, key=f"seed-{state.install_id}")
