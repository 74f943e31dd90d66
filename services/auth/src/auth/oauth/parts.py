from collections.abc import Sequence
from dataclasses import dataclass

from auth.accounts.sealing import Addresses
from auth.factors.showing import ShowingService
from auth.oauth.authorizing import Authorizing
from auth.oauth.consent import ConsentDesk, ConsentMarks
from auth.oauth.issuing import Issuing
from auth.oauth.pages import Pages
from auth.oauth.people import PeopleService
from auth.oauth.server import Server
from auth.oauth.tokens import ProgramTokens
from auth.oauth_clients.secrets import ClientSecrets
from auth.oauth_clients.service import ClientService
from auth.sessions.service import SessionService
from auth.sign_ins.service import Entrance
from auth.tokens.mints import Mints
from kit.seal import Sealer


@dataclass(frozen=True, slots=True)
class OAuthParts:
    """What the authorization server is made of."""

    clients: ClientService
    authorizing: Authorizing
    tokens: ProgramTokens
    people: PeopleService
    pages: Pages
    desk: ConsentDesk
    server: Server

    @classmethod
    def build(  # noqa: PLR0917 - what it stands on
        cls,
        sealer: Sealer,
        mints: Mints,
        addresses: Addresses,
        entrance: Entrance,
        sessions: SessionService,
        showing: ShowingService,
        public_url: str,
    ) -> "OAuthParts":
        """The parts; programs may name the interface by its audience, by its issuer, or by its address."""
        database, access = entrance.database, entrance.access_tokens
        secrets = ClientSecrets(sealer.derive("oauth-client/secret"))
        issuing = Issuing(access, mints.oauth_code, mints.oauth_refresh)
        resources = frozenset({access.audience, access.issuer.rstrip("/"), public_url})
        authorizing = Authorizing(database, secrets, mints.oauth_request, issuing, entrance.enforcement, resources)
        pages = Pages(public_url)
        marks = ConsentMarks(sealer.derive("oauth-consent/mark"))
        return cls(
            clients=ClientService(database, secrets),
            authorizing=authorizing,
            tokens=ProgramTokens(database, entrance.keys, issuing, secrets, resources),
            people=PeopleService(database, addresses),
            pages=pages,
            desk=ConsentDesk(authorizing, sessions, showing, pages, marks),
            server=Server(access.issuer, public_url),
        )

    def endpoints(self) -> Sequence[object]:
        """What endpoints ask for."""
        return (self.clients, self.authorizing, self.tokens, self.people, self.pages, self.desk, self.server)
