"""Letting a service stay as it is for a while."""

from deployer.models import Service


def pause_service(service: Service) -> None:
    """Pushes deploy nothing; what is under way or waits is carried out still."""
    _set(service, is_paused=True)


def resume_service(service: Service) -> None:
    """From the next push on it follows its rules again; what was pushed meanwhile can be deployed by hand."""
    _set(service, is_paused=False)


def _set(service: Service, *, is_paused: bool) -> None:
    service.is_paused = is_paused
    service.save(update_fields=["is_paused"])
