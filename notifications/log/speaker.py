"""Who speaks in the events of this hub."""

import socket
from functools import cache

from django.conf import settings

from notifications import events
from registryhub.config.addresses import split_address


@cache
def source() -> tuple[str, str]:
    """`host:port` of this server, and an id that is new with each start of a process (reference C.2)."""
    _, port = split_address(settings.HUB.http.addr)
    return f"{socket.gethostname()}:{port}", events.new_id()
