"""The REST API: each part's own routes, all under /api/v1/ and all with and without the trailing slash."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny

from deployer import api as deployer
from notifications.analytics import api as analytics
from notifications.delivery import api as delivery
from notifications.log import api as log
from notifications.receiver import api as receiver
from registryhub.doctor import api as doctor
from registryhub.registry import api as registry
from registryhub.registry.collect import api as collecting
from registryhub.registry.keeping import api as keeping

_schema = SpectacularAPIView.as_view(permission_classes=[AllowAny])
_docs = SpectacularSwaggerView.as_view(permission_classes=[AllowAny], url_name="schema")

urlpatterns = [
    re_path(r"^schema/?$", _schema, name="schema"),
    re_path(r"^docs/?$", _docs, name="docs"),
    *(
        path("", include(part.urlpatterns))
        for part in (registry, collecting, keeping, log, analytics, delivery, receiver, deployer, doctor)
    ),
]
