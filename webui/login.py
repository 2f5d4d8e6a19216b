"""Coming in and going out."""

from django.contrib.auth.views import LoginView
from django.http import HttpResponse

from registryhub.access.login import THROTTLED, LoginForm


class LoginPage(LoginView):
    """`/login`, and the admin's own too: there is one door. `next` may only lead to a page of this hub."""

    form_class = LoginForm
    template_name = "webui/login.html"

    def form_invalid(self, form: LoginForm) -> HttpResponse:  # type: ignore[override]  # its own form
        """429 for whoever has to wait."""
        answer: HttpResponse = super().form_invalid(form)
        if form.has_error("__all__", THROTTLED):
            answer.status_code = 429
            answer["Retry-After"] = str(form.retry_after_seconds)
        return answer
