"""Celery, set up by the CELERY_ settings; each app's `tasks` module is found by itself."""

from typing import Any

from celery import Celery
from celery.signals import setup_logging

app = Celery("registryhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """That somebody listens keeps Celery from setting up logging anew: Django has done it."""
