"""Whom and what the inbox meets outside, as settings tell it."""

from dataclasses import dataclass, field

from inbox.chat.passing import NOBODY, Passing
from kit.mail import MailServer, SmtpServer


@dataclass(frozen=True, slots=True)
class Meta:
    """The app at Meta, as settings tell it."""

    graph_url: str
    api_version: str
    app_secret: str
    verify_token: str
    direct_url: str = ""

    @property
    def on(self) -> bool:
        """Whether its webhooks can be believed."""
        return bool(self.app_secret and self.verify_token)


@dataclass(frozen=True, slots=True)
class TelnyxAccount:
    """The account at Telnyx, as settings tell it; `hiding` is a secret of ours by which numbers are hashed."""

    url: str = ""
    public_key: str = ""
    hiding: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Pages:
    """What channels on customers' pages take: where browsers reach us, by whom replies leave as mail, as whom.

    `hiding` is a secret of ours by which addresses and ids are hashed.
    """

    public_url: str = "http://127.0.0.1:8080"
    server: MailServer = field(default=SmtpServer("127.0.0.1", 1025))
    mail_from: str = "Rostrum <no-reply@rostrum.local>"
    hiding: str = field(default="", repr=False)
    passing: Passing = NOBODY
    link_url: str = ""

    @property
    def links(self) -> str:
        """Where links of broadcasts are opened: at a domain of their own, or else at our door."""
        return self.link_url.rstrip("/") or f"{self.public_url.rstrip('/')}/v1/links"
