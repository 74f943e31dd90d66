from kit.errors import Invalid


class MailCategoryUnknown(Invalid):
    """There is no such category of mails."""

    code = "mail-category-unknown"


class MailCategoryEssential(Invalid):
    """Mails of this category answer what you do yourself; they cannot be refused."""

    code = "mail-category-essential"
