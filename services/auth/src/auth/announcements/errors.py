from kit.errors import Conflict, Invalid, NotFound


class AnnouncementNotFound(NotFound):
    """There is no such announcement."""

    code = "announcement-not-found"


class AnnouncementLeft(Conflict):
    """The announcement has been scheduled already and can only be cancelled."""

    code = "announcement-left"


class AnnouncementNotUnderWay(Conflict):
    """Only an announcement that is scheduled or under way can be cancelled."""

    code = "announcement-not-under-way"


class AnnouncementTimeInPast(Invalid):
    """The time to send an announcement lies in the past."""

    code = "announcement-time-in-past"
