"""What TikTok's errors mean: the codes of its answers, and the reasons for which a post fails."""

from typing import Final

from kit.http.client import Refused as Rejected
from publisher.platforms.catalogue import Catalogue, Meaning
from publisher.platforms.speaking import Complaint, at, document, one_line

CATALOGUE: Final[Catalogue] = {
    "access_token_invalid": Meaning("parked", "token-refused", "TikTok does not accept the permission any more."),
    "scope_not_authorized": Meaning(
        "parked",
        "scope-missing",
        "The permission does not cover posting; connect the account again and allow all of it.",
    ),
    "scope_permission_missed": Meaning(
        "parked",
        "scope-missing",
        "The permission does not cover posting; connect the account again and allow all of it.",
    ),
    "rate_limit_exceeded": Meaning(
        "not_accepted",
        "rate-limited",
        "TikTok takes six posts a minute for an account; this one leaves after that.",
        retry_after=60.0,
        whole_lane=True,
    ),
    "spam_risk_too_many_posts": Meaning(
        "not_accepted",
        "daily-limit",
        "This account has posted as often through the API as TikTok lets it in a day; it leaves later.",
        retry_after=6 * 3600.0,
        whole_lane=True,
    ),
    "spam_risk_too_many_pending_share": Meaning(
        "not_accepted",
        "pending-shares",
        "TikTok holds too many unfinished posts of this account; it leaves when some are done.",
        retry_after=6 * 3600.0,
        whole_lane=True,
    ),
    "spam_risk_user_banned_from_posting": Meaning(
        "parked", "account-banned", "TikTok lets this account post nothing for now; open TikTok to see why."
    ),
    "spam_risk_text": Meaning("refused", "spam-text", "TikTok takes the text for spam; write it differently."),
    "spam_risk": Meaning("refused", "spam", "TikTok takes the post for spam; change text or video."),
    "reached_active_user_cap": Meaning(
        "not_accepted",
        "user-cap",
        "Our application has posted for as many accounts as TikTok lets it in a day; it leaves later.",
        retry_after=6 * 3600.0,
        whole_lane=True,
    ),
    "unaudited_client_can_only_post_to_private_accounts": Meaning(
        "refused",
        "unaudited",
        "TikTok has not reviewed our application yet: until then posts can be for the account itself only.",
    ),
    "privacy_level_option_mismatch": Meaning(
        "refused",
        "privacy-not-offered",
        "This account does not offer who shall see the post; choose another privacy.",
    ),
    "url_ownership_unverified": Meaning(
        "not_accepted",
        "media-address",
        "TikTok does not fetch from our address before it is verified as ours; it leaves when it is.",
        retry_after=3600.0,
    ),
    "app_version_check_failed": Meaning(
        "refused", "app-too-old", "The TikTok app of this account is too old; update it and try again."
    ),
    "invalid_params": Meaning("refused", "invalid", "TikTok does not accept the post as it is."),
    "invalid_param": Meaning("refused", "invalid", "TikTok does not accept the post as it is."),
    "invalid_file_upload": Meaning(
        "refused", "invalid-file", "TikTok does not accept the file; save it anew as MP4."
    ),
    "invalid_publish_id": Meaning(
        "unanswered", "publish-id-unknown", "TikTok does not know the post that it has begun any more."
    ),
    "internal_error": Meaning("unanswered", "their-error", "TikTok answered with an error of its own."),
    "401": Meaning("parked", "token-refused", "TikTok does not accept the permission any more."),
    "410": Meaning(
        "not_accepted",
        "api-version-sunset",
        "TikTok has switched off the version of its API that we speak.",
        retry_after=3600.0,
        whole_lane=True,
    ),
    "429": Meaning("not_accepted", "rate-limited", "TikTok asks us to slow down.", retry_after=60.0, whole_lane=True),
}
FAILURES: Final = {
    "file_format_check_failed": "the format is not one of TikTok's; save it anew as MP4 (H.264).",
    "duration_check_failed": "it is shorter or longer than this account may post.",
    "frame_rate_check_failed": "TikTok wants 23 to 60 frames a second.",
    "picture_size_check_failed": "TikTok wants 360 to 4,096 pixels on each side.",
    "internal": "TikTok had an error of its own; publish it again.",
    "video_pull_failed": "TikTok could not fetch the video from us.",
    "photo_pull_failed": "TikTok could not fetch a photo from us.",
    "publish_cancelled": "it was cancelled at TikTok.",
    "auth_removed": "the permission was taken back meanwhile; connect the account again.",
    "spam_risk_too_many_posts": "this account has posted as often as TikTok lets it in a day.",
    "spam_risk_user_banned_from_posting": "TikTok lets this account post nothing for now.",
    "spam_risk_text": "TikTok takes the text for spam; write it differently.",
    "spam_risk": "TikTok takes it for spam.",
}
"""`fail_reason` of a post, in words that go on from "TikTok did not publish it: "."""


def read(rejected: Rejected) -> Complaint:
    """Code and message of an error."""
    body = document(rejected.answer)
    code = at(body, "error", "code")
    return Complaint([str(code)] if code else [], one_line(at(body, "error", "message") or ""))
