"""The first administrator."""

import logging
import secrets

from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

PASSWORD_VARIABLE = "HUB_ADMIN_PASSWORD"  # noqa: S105 - a name
NAME = "admin"


def ensure_administrator(wanted_password: str) -> str | None:
    """Make the user `admin` when there is no superuser yet; its password, or None when nobody was made.

    An ordinary user of that name is not raised: whoever made it did not mean that.
    """
    if User.objects.filter(is_superuser=True).exists():
        return None
    if User.objects.filter(username=NAME).exists():
        logger.warning("there is no superuser, and %s is an ordinary user: run manage.py createsuperuser", NAME)
        return None
    password = wanted_password or secrets.token_urlsafe(12)
    User.objects.create_superuser(NAME, password=password)
    return password
