"""Who asks through the web pages or REST, as events tell it."""

from django.http import HttpRequest

from notifications.events import new_id
from registryhub.registry.announce import RequestContext

_MOST_USER_AGENT = 1024


def context_of(request: HttpRequest) -> RequestContext:
    """Of a request that changes something in the registry. No URL is made of it, so it has no base."""
    return RequestContext(
        request_id=new_id(),
        address=str(request.META.get("REMOTE_ADDR", "")),
        host=str(request.META.get("HTTP_HOST", "")),
        method=str(request.method),
        user_agent=str(request.META.get("HTTP_USER_AGENT", ""))[:_MOST_USER_AGENT],
        actor=request.user.get_username(),
        base_url="",
    )
