"""Every third party the sandbox stands for: one line each."""

from sandbox.linkedin import LinkedIn
from sandbox.mailbox import Mailbox
from sandbox.member import Member
from sandbox.otlp import Collector
from sandbox.settings import SandboxSettings
from sandbox.whatsapp import WhatsApp


def members(settings: SandboxSettings) -> tuple[Member, ...]:
    """All members, in the order in which they are listed."""
    return (
        Mailbox(settings.smtp_host, settings.smtp_port),
        Collector(),
        LinkedIn(),
        WhatsApp(),
    )
