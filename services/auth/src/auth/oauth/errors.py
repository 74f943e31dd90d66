from kit.errors import Conflict, Gone, NotFound, Unauthenticated


class RequestOver(Gone):
    """This request was decided, or nobody decided it in time; go back to the program and begin anew."""

    code = "authorization-request-over"


class ConsentIncomplete(Conflict):
    """Choose one of your organizations for the program to act in."""

    code = "consent-incomplete"


class AppNotAuthorized(NotFound):
    """You have let no such program act for you."""

    code = "app-not-authorized"


class UserinfoRefused(Unauthenticated):
    """Show an access token that a person granted this program with the scope openid."""

    code = "userinfo-refused"
