"""`python -m gateway`."""

from functools import partial

from kit.loading import loading

with loading():
    from gateway.bootstrap import run
    from gateway.settings import GatewaySettings
    from kit import process
    from kit.settings import load

if __name__ == "__main__":
    process.run(partial(run, load(GatewaySettings)))
