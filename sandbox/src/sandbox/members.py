"""Every third party the sandbox stands for: one line each."""

from sandbox.dns import Dns
from sandbox.github import GitHub
from sandbox.google import Google
from sandbox.linkedin import LinkedIn
from sandbox.mailbox import Mailbox
from sandbox.member import Member
from sandbox.oidc import Oidc
from sandbox.otlp import Collector
from sandbox.settings import SandboxSettings
from sandbox.telnyx import Telnyx
from sandbox.whatsapp import WhatsApp


def members(settings: SandboxSettings) -> tuple[Member, ...]:
    """All members, in the order in which they are listed."""
    return (
        Mailbox(settings.smtp_host, settings.smtp_port),
        Collector(),
        LinkedIn(),
        WhatsApp(),
        Google(settings.browser_url),
        GitHub(),
        Oidc(settings.browser_url),
        Dns(),
        Telnyx(),
    )
