from kit.errors import Invalid


class UnsubscribeLinkForged(Invalid):
    """This is not an unsubscribe link of ours; follow the one in the mail."""

    code = "unsubscribe-link-forged"
