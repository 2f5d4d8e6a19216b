"""What the lists of this part's REST API have in common."""

from rest_framework import serializers
from rest_framework.pagination import CursorPagination

from notifications.delivery.models import Endpoint


class LatestFirst(CursorPagination):
    """By a cursor that does not slip when new ones come in."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 1000


def find_endpoint(value: str) -> Endpoint:
    """By name first: a name may look like an id. Raises ValidationError."""
    named = Endpoint.objects.filter(name=value)
    if not named and value.isascii() and value.isdigit() and len(value) < 19:
        named = Endpoint.objects.filter(pk=int(value))
    found = named.first()
    if found is None:
        raise serializers.ValidationError({"endpoint": f"there is no endpoint {value!r}"})
    return found
