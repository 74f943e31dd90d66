"""What Google's errors mean, by their `reason`."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kit.http.client import Refused as Rejected
from publisher.platforms.catalogue import Catalogue, Meaning
from publisher.platforms.speaking import Complaint, at, document, one_line

PACIFIC: Final = ZoneInfo("America/Los_Angeles")
QUOTA: Final = "quotaExceeded"
CATALOGUE: Final[Catalogue] = {
    QUOTA: Meaning(
        "not_accepted",
        "quota-exceeded",
        "Our uploads to YouTube are used up for today; it leaves after midnight Pacific time.",
        whole_lane=True,
    ),
    "dailyLimitExceeded": Meaning(
        "not_accepted",
        "quota-exceeded",
        "Our uploads to YouTube are used up for today; it leaves after midnight Pacific time.",
        whole_lane=True,
    ),
    "uploadLimitExceeded": Meaning(
        "not_accepted",
        "upload-limit",
        "This channel has uploaded as many videos as YouTube lets it in 24 hours; it leaves after that.",
        retry_after=86_400.0,
        whole_lane=True,
    ),
    "rateLimitExceeded": Meaning(
        "not_accepted", "rate-limited", "YouTube asks us to slow down.", retry_after=60.0, whole_lane=True
    ),
    "userRateLimitExceeded": Meaning(
        "not_accepted", "rate-limited", "YouTube asks us to slow down.", retry_after=60.0, whole_lane=True
    ),
    "authError": Meaning("parked", "token-refused", "YouTube does not accept the permission any more."),
    "insufficientPermissions": Meaning(
        "parked",
        "scope-missing",
        "The permission does not cover uploading; connect the channel again and leave every box ticked.",
    ),
    "youtubeSignupRequired": Meaning(
        "parked", "no-channel", "This Google account has no YouTube channel; create one, then connect it again."
    ),
    "authenticatedUserAccountSuspended": Meaning(
        "parked", "account-suspended", "YouTube has suspended this account; sign in at youtube.com to see why."
    ),
    "channelSuspended": Meaning(
        "parked", "account-suspended", "YouTube has suspended this channel; sign in at youtube.com to see why."
    ),
    "channelClosed": Meaning("parked", "account-closed", "This channel is closed; connect another."),
    "invalidTitle": Meaning(
        "refused", "invalid-title", "YouTube wants a title of 1 to 100 characters without < and >; change it."
    ),
    "invalidDescription": Meaning(
        "refused",
        "invalid-description",
        "YouTube wants a description of at most 5,000 bytes without < and >; shorten or change it.",
    ),
    "invalidTags": Meaning("refused", "invalid-tags", "The tags are too long: YouTube takes 500 characters in all."),
    "invalidCategoryId": Meaning("refused", "invalid-category", "YouTube does not know this category here."),
    "invalidVideoMetadata": Meaning(
        "refused",
        "invalid-metadata",
        "YouTube does not accept what is said about the video; check title and privacy.",
    ),
    "mediaBodyRequired": Meaning("refused", "no-video", "YouTube received no video; upload it again."),
    "commentsDisabled": Meaning(
        "refused",
        "comments-disabled",
        "The video takes no comments: it is made for kids, or comments are switched off.",
    ),
    "commentTextTooLong": Meaning("refused", "comment-too-long", "The comment is too long for YouTube; shorten it."),
    "invalidImage": Meaning(
        "refused", "invalid-cover", "YouTube cannot read the cover; save it as JPEG or PNG of at most 2 MB."
    ),
    "videoNotFound": Meaning("refused", "video-gone", "The video is not there any more."),
    "processingFailure": Meaning(
        "not_accepted", "their-error", "YouTube could not write the comment just now.", retry_after=60.0
    ),
    "401": Meaning("parked", "token-refused", "YouTube does not accept the permission any more."),
    "403": Meaning("refused", "forbidden", "YouTube does not let this channel do this."),
    "410": Meaning(
        "not_accepted",
        "api-version-sunset",
        "YouTube has switched off the version of its API that we speak.",
        retry_after=3600.0,
        whole_lane=True,
    ),
    "429": Meaning(
        "not_accepted", "rate-limited", "YouTube asks us to slow down.", retry_after=60.0, whole_lane=True
    ),
}
FAILURES: Final = {
    "conversion": "YouTube could not convert it; save it anew as MP4 (H.264, AAC).",
    "invalidFile": "the file is no video that YouTube can read; save it anew as MP4 (H.264, AAC).",
    "emptyFile": "the file is empty; upload it again.",
    "tooSmall": "the file is too small.",
    "codec": "YouTube does not know its codec; save it anew as MP4 (H.264, AAC).",
    "uploadAborted": "the upload was cut; publish it again.",
    "copyright": "it holds something that others have the rights to.",
    "inappropriate": "YouTube found it against its rules.",
    "duplicate": "this channel has this video already.",
    "termsOfUse": "YouTube found it against its terms.",
    "uploaderAccountSuspended": "YouTube has suspended the account.",
    "uploaderAccountClosed": "the account is closed.",
    "length": "it is longer than this channel may upload; verify the channel at youtube.com/verify.",
    "claim": "somebody claims rights to it.",
    "trademark": "it shows somebody's trademark.",
    "legal": "there was a legal complaint.",
}
"""`failureReason` and `rejectionReason` of a video, in words that go on from "YouTube refused the video: "."""


def read(rejected: Rejected) -> Complaint:
    """Reason and message of an error."""
    body = document(rejected.answer)
    reason = at(body, "error", "errors", 0, "reason")
    message = at(body, "error", "message") or at(body, "error_description") or ""
    return Complaint([str(reason)] if reason else [], one_line(message))


def until_midnight(now: datetime) -> float:
    """Seconds until the day of the quota ends: midnight Pacific time."""
    here = now.astimezone(PACIFIC)
    midnight = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp() - now.timestamp()
