"""Accounts of the hub's own parts: a name, and a password that every process can work out from the SECRET_KEY."""

import hmac
from hashlib import sha256

from django.conf import settings

from registryhub.oci.errors import DENIED, OciError

DEPLOYER = "registryhub-deployer"
"""Pulls the images of services, and may do nothing else. An account of this name in an htpasswd file is not used."""


def robot_password(name: str) -> str:
    """Changes with the SECRET_KEY."""
    return hmac.new(settings.SECRET_KEY.encode(), b"robot\0" + name.encode(), sha256).hexdigest()


def is_robot(name: str, password: str) -> bool:
    """Whether the credentials are those of one of the hub's own."""
    return name == DEPLOYER and hmac.compare_digest(password.encode(), robot_password(name).encode())


def check_rights(name: str, method: str) -> None:
    """What the hub's own accounts may not do. Raises OciError (403)."""
    if name == DEPLOYER and method not in ("GET", "HEAD"):
        raise OciError(DENIED, f"{DEPLOYER} may only pull")
