"""`python -m publisher api | worker | migrate | topology | all`."""

from kit.loading import loading

with loading():
    from kit.service import run_service
    from publisher.bootstrap import SERVICE

if __name__ == "__main__":
    run_service(SERVICE)
