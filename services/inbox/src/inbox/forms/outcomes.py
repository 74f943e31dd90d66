"""What may become of a reply that leaves as mail."""

from typing import Final

from inbox.channels.catalogue import Catalogue, Rule
from kit.mail.smtp import NO_SUCH_MAILBOX

REPLIES_OFF: Final = "replies-off"

ERRORS: Final = Catalogue(
    "Mail",
    {
        NO_SUCH_MAILBOX: Rule(
            "skip_recipient", "There is no mailbox at this address.", "Reach the contact in another way."
        ),
        REPLIES_OFF: Rule(
            "our_bug",
            "This form takes messages only.",
            "Give the form an address to which answers to your mails may come.",
        ),
    },
    anything=Rule("skip_recipient", "The mail server refuses it.", "Reach the contact in another way."),
)
