"""The pages people see. What a URL's name begins with is its section: see `webui.navigation`."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from webui import views
from webui.login import LoginPage

app_name = "webui"

urlpatterns = [
    path("", views.home, name="home"),
    path("login", LoginPage.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("", include("webui.boards.urls")),
    path("", include("webui.images.urls")),
    path("", include("webui.keeping.urls")),
    path("", include("webui.operations.urls")),
]
