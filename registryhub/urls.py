"""Who answers which path, of those that reach Django (see `registryhub.wsgi`)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from webui.login import LoginPage

urlpatterns = [
    path("", include("webui.urls")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/login/", LoginPage.as_view()),  # one door, one throttle
    path("admin/", admin.site.urls),
    path("api/v1/", include("registryhub.api")),
    path("", include("notifications.analytics.badges")),
]

handler403 = "webui.views.forbidden"
handler404 = "webui.views.not_found"
handler500 = "webui.views.server_error"
