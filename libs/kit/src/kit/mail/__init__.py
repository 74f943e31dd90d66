"""Mails that a service sends: written with the state they tell about, sent by the ledger, each once.

A service makes `Post` (how it writes), `mail_kinds` for its ledger, and a `Mailer` to put mails in with.
"""

from kit.mail.errors import UnsubscribeLinkForged
from kit.mail.kind import Composer, Fillings, MailServer, mail_kinds
from kit.mail.links import Unsubscription
from kit.mail.mailer import Mailer
from kit.mail.model import Category, Letter, Mail, Outgoing, Post, Reason
from kit.mail.repository import Queueing
from kit.mail.smtp import BadSmtpUrl, SmtpServer
from kit.mail.templates import Templates

__all__ = (
    "BadSmtpUrl",
    "Category",
    "Composer",
    "Fillings",
    "Letter",
    "Mail",
    "MailServer",
    "Mailer",
    "Outgoing",
    "Post",
    "Queueing",
    "Reason",
    "SmtpServer",
    "Templates",
    "UnsubscribeLinkForged",
    "Unsubscription",
    "mail_kinds",
)
