"""What an organization puts into its pages."""

from dataclasses import dataclass
from html import escape

from inbox.sites.model import Site


@dataclass(frozen=True, slots=True)
class Snippets:
    """Makes the lines for a page; `public_url` is where browsers reach us, `widget` the script's path and its sum."""

    public_url: str
    widget: str = ""
    integrity: str = ""

    def of(self, site: Site) -> str:
        """The lines for this channel; nothing that somebody typed stands in them unescaped."""
        return self._chat(site) if site.kind == "web_chat" else self._form(site)

    def _chat(self, site: Site) -> str:
        return (
            f'<script src="{self.public_url}{self.widget}" integrity="{self.integrity}" crossorigin="anonymous"\n'
            f'        data-key="{escape(site.key)}" async></script>'
        )

    def _form(self, site: Site) -> str:
        return (
            f'<form method="post" action="{self.public_url}/v1/forms/{escape(site.key)}">\n'
            '  <label>Name <input name="name" autocomplete="name"></label>\n'
            '  <label>E-mail <input name="email" type="email" autocomplete="email" required></label>\n'
            '  <label>Message <textarea name="message" required></textarea></label>\n'
            "  <p hidden><label>Leave this empty"
            ' <input name="website" tabindex="-1" autocomplete="off"></label></p>\n'
            "  <button>Send</button>\n"
            "</form>"
        )
