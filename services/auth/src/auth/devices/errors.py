from kit.errors import NotFound


class DeviceNotFound(NotFound):
    """There is no such device, or it is not yours."""

    code = "device-not-found"
