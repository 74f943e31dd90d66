"""`python -m auth api | worker | migrate | topology | all | rotate-keys | add-staff ADDRESS [ROLE]`."""

from kit.loading import loading

with loading():
    from auth.bootstrap import SERVICE
    from kit.service import run_service

if __name__ == "__main__":
    run_service(SERVICE)
