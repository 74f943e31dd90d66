from kit.errors import Conflict, Invalid, NotFound


class CodeUnknown(Invalid):
    """This code cannot be redeemed: it does not exist, is over, or is not for this."""

    code = "promotion-code-refused"


class CouponSpent(Conflict):
    """This organization has redeemed this coupon before."""

    code = "coupon-spent"


class CouponNotFound(NotFound):
    """There is no such coupon."""

    code = "coupon-not-found"


class CodeTaken(Conflict):
    """There is such a code already."""

    code = "promotion-code-taken"


class CouponRefused(Conflict):
    """The payment provider does not accept this coupon."""

    code = "coupon-refused"


class CouponInvalid(Invalid):
    """The coupon does not make sense like this."""

    code = "coupon-invalid"
