"""What X's errors mean, by the end of a problem's type, by words of its detail, or by status.

X has no codes for most of what it refuses: the same 403 stands for a duplicate, for a text that is too long and for a
permission that is missing, told apart by its detail only.
"""

from typing import Final

from kit.http.client import Refused as Rejected
from publisher.platforms.catalogue import Catalogue, Meaning
from publisher.platforms.speaking import Complaint, at, document, one_line

DUPLICATE: Final = "duplicate"
_WORDS: Final = (
    ("duplicate content", DUPLICATE),
    ("too long", "too-long"),
    ("reply to a tweet that is deleted", "reply-gone"),
    ("media ids are invalid", "media-gone"),
    ("temporarily locked", "locked"),
    ("suspended", "suspended"),
    ("daily limit", "daily-limit"),
)
FULL: Final = "X takes no more posts of our application today; it leaves when X counts anew."
CATALOGUE: Final[Catalogue] = {
    DUPLICATE: Meaning(
        "refused",
        "duplicate",
        "This account has posted the same text already, and X refuses it a second time; change the text.",
    ),
    "too-long": Meaning("refused", "too-long", "The text is too long for this account on X; shorten it."),
    "reply-gone": Meaning(
        "refused", "reply-gone", "The post this one answers is not there any more; publish it on its own."
    ),
    "media-gone": Meaning(
        "not_accepted", "media-gone", "X does not know the uploaded picture or video any more; it is sent again."
    ),
    "locked": Meaning(
        "parked", "account-locked", "X has locked this account for now; sign in at x.com and follow its steps."
    ),
    "suspended": Meaning(
        "parked", "account-suspended", "X has suspended this account; sign in at x.com to see what can be done."
    ),
    "daily-limit": Meaning(
        "not_accepted",
        "rate-limited",
        "This account has posted on X as often as it may today.",
        retry_after=3600.0,
        whole_lane=True,
    ),
    "credits": Meaning(
        "not_accepted",
        "out-of-credits",
        "Our credits at X are used up; what waits leaves when they are topped up.",
        retry_after=900.0,
        whole_lane=True,
    ),
    "usage-capped": Meaning(
        "not_accepted",
        "out-of-credits",
        "Our monthly use of X is used up; what waits leaves when it begins anew.",
        retry_after=3600.0,
        whole_lane=True,
    ),
    "client-forbidden": Meaning(
        "not_accepted",
        "not-enrolled",
        "X does not let our application publish just now; its access at X must be renewed.",
        retry_after=3600.0,
        whole_lane=True,
    ),
    "401": Meaning("parked", "token-refused", "X does not accept the permission any more."),
    "403": Meaning(
        "refused", "forbidden", "X does not let this account publish this; check the account at x.com and try again."
    ),
    "410": Meaning(
        "not_accepted",
        "api-version-sunset",
        "X has switched off the version of its API that we speak.",
        retry_after=3600.0,
        whole_lane=True,
    ),
    "429": Meaning(
        "not_accepted",
        "rate-limited",
        "X takes no more posts of this account for now.",
        retry_after=900.0,
        whole_lane=True,
    ),
}


def read(rejected: Rejected) -> Complaint:
    """Codes and message of a problem."""
    body = document(rejected.answer)
    detail = one_line(body.get("detail") or at(body, "errors", 0, "message") or body.get("message") or "")
    more = one_line(at(body, "errors", 0, "message") or "")
    kind = str(body.get("type") or "").rpartition("/")[2]
    by_words = [code for words, code in _WORDS if words in f"{detail} {more}".lower()]
    return Complaint([*by_words, *([kind] if kind in CATALOGUE else [])], more or detail)


def wait(rejected: Rejected) -> float | None:
    """Seconds until X counts anew, by its own clock; None when it does not say."""
    from publisher.platforms.x.limits import until_reset  # noqa: PLC0415 - limits read answers, errors mean them

    return until_reset(rejected.answer) or rejected.retry_after
