"""Every third party the sandbox stands for: one line each."""

from sandbox.dns import Dns
from sandbox.facebook import Facebook
from sandbox.github import GitHub
from sandbox.google import Google
from sandbox.instagram import Instagram
from sandbox.linkedin import LinkedIn
from sandbox.mailbox import Mailbox
from sandbox.member import Member
from sandbox.messenger import Messenger
from sandbox.oidc import Oidc
from sandbox.openai import OpenAi
from sandbox.otlp import Collector
from sandbox.s3 import S3
from sandbox.settings import SandboxSettings
from sandbox.stripe import Stripe
from sandbox.telnyx import Telnyx
from sandbox.threads import Threads
from sandbox.tiktok import TikTok
from sandbox.whatsapp import WhatsApp
from sandbox.x import X
from sandbox.youtube import YouTube


def members(settings: SandboxSettings) -> tuple[Member, ...]:
    """All members, in the order in which they are listed."""
    return (
        Mailbox(settings.smtp_host, settings.smtp_port),
        Collector(),
        LinkedIn(),
        Facebook(),
        Instagram(),
        Threads(),
        WhatsApp(),
        Messenger(),
        Google(settings.browser_url),
        GitHub(),
        Oidc(settings.browser_url),
        Dns(),
        Telnyx(),
        Stripe(settings.browser_url),
        X(),
        YouTube(),
        TikTok(),
        OpenAi(),
        S3(),
    )
