"""API tokens for Django REST framework."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from registryhub.access.tokens import find_user

SCHEMES = frozenset((b"bearer", b"token"))


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <API token>`, also with the scheme word `Token`."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """None when another scheme may answer. Raises AuthenticationFailed for a token that is not valid."""
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() not in SCHEMES:
            return None
        user = find_user(secret.strip().decode("utf-8", "replace"))
        if user is None:
            raise AuthenticationFailed(
                "This API token is not valid (any more). `manage.py create_token USERNAME` makes a new one."
            )
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="RegistryHub API"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI schema names this authentication."""

    target_class = TokenAuthentication
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
