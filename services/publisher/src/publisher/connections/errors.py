from kit.errors import Conflict


class PlatformSwitchedOff(Conflict):
    """This platform is not set up here; whoever runs this must set its client id and secret."""

    code = "platform-switched-off"
