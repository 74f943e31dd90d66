"""`python -m generation api | worker | migrate | topology | all`."""

from kit.loading import loading

with loading():
    from generation.bootstrap import SERVICE
    from kit.service import run_service

if __name__ == "__main__":
    run_service(SERVICE)
