"""What the OpenAPI schema says of the settings of an endpoint."""

from notifications.delivery.rest.settings_schema import SETTINGS
from registryhub.config.notifications import Endpoint


def test_the_schema_knows_the_keys_of_the_configuration() -> None:
    """All but the proxy, which only `config.yml` may name."""
    assert SETTINGS.keys() == {field.alias or name for name, field in Endpoint.model_fields.items()} - {"proxy"}
