from kit.errors import Conflict, Invalid


class PlatformSwitchedOff(Conflict):
    """This platform is not set up here; whoever runs this must set its client id and secret."""

    code = "platform-switched-off"


class AccountKindNotOffered(Invalid):
    """This platform has no accounts of that kind."""

    code = "account-kind-not-offered"
