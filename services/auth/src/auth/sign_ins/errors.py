from kit.errors import Forbidden, Unauthenticated


class SignInOver(Unauthenticated):
    """This sign-in has ended, took too long or was tried too often; begin anew."""

    code = "sign-in-over"


class AccountSuspended(Forbidden):
    """This account has been suspended; ask the support."""

    code = "account-suspended"


class StepUpNeeded(Forbidden):
    """This needs a fresh proof that it is you: show one of the factors at /v1/sessions/current/proofs."""

    code = "step-up-needed"


class SecondFactorRequired(Forbidden):
    """This organization lets in only those who have shown a second factor; add one, or confirm with it."""

    code = "second-factor-required"
