from kit.errors import Conflict, NotFound


class JobNotFound(NotFound):
    """There is no such job."""

    code = "job-not-found"


class JobEnded(Conflict):
    """The job has ended."""

    code = "job-ended"


class JobNotEnded(Conflict):
    """The job has not finished yet."""

    code = "job-not-ended"


class NothingFailed(Conflict):
    """No item of this job has failed."""

    code = "nothing-failed"


class JobKeyReused(Conflict):
    """A job with this key was submitted before, with other parameters."""

    code = "job-key-reused"


class TooManyJobs(Conflict):
    """Too many jobs are under way; wait for one to end, or cancel one."""

    code = "too-many-jobs"
