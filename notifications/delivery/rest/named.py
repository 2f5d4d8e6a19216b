"""How the REST API of this part names an endpoint."""

from rest_framework import serializers

from notifications.delivery.models import Endpoint


def find_endpoint(value: str, *, parameter: str = "endpoint") -> Endpoint:
    """By name first: a name may look like an id. Raises ValidationError, about the parameter that names it."""
    named = Endpoint.objects.filter(name=value)
    if not named and value.isascii() and value.isdigit() and len(value) < 19:
        named = Endpoint.objects.filter(pk=int(value))
    found = named.first()
    if found is None:
        raise serializers.ValidationError({parameter: f"there is no endpoint {value!r}"})
    return found
