"""Who comes in: pages for staff send the anonymous to the login and turn all others away."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from registryhub.access.visibility import sees_everything

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponse]


def staff_page(view: View[Arguments]) -> View[Arguments]:
    """Only for active staff. Raises PermissionDenied for others who are logged in."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/")
        if not sees_everything(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def superuser_page(view: View[Arguments]) -> View[Arguments]:
    """Only for superusers: whoever can define a service can become root on its host. Raises PermissionDenied."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return staff_page(guarded)


def require(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied for a user without it."""
    if not request.user.has_perm(permission):
        raise PermissionDenied
