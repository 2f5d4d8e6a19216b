"""The REST API: each part's own routes, all under /api/v1/ and all with and without the trailing slash."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny

from notifications.analytics import api as analytics
from notifications.delivery import api as delivery
from notifications.receiver import api as receiver
from registryhub.registry import api as registry

_schema = SpectacularAPIView.as_view(permission_classes=[AllowAny])
_docs = SpectacularSwaggerView.as_view(permission_classes=[AllowAny], url_name="schema")

urlpatterns = [
    re_path(r"^schema/?$", _schema, name="schema"),
    re_path(r"^docs/?$", _docs, name="docs"),
    *(path("", include(part.urlpatterns)) for part in (registry, analytics, delivery, receiver)),
]
