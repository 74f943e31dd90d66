from functools import partial

from gateway.bootstrap import run
from gateway.settings import GatewaySettings
from kit import process
from kit.settings import load

if __name__ == "__main__":
    process.run(partial(run, load(GatewaySettings)))
