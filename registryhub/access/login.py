"""The one form that looks at passwords of people: the site's own page and the admin's are the same."""

from math import ceil
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from registryhub.access import throttle

THROTTLED = "throttled"


class LoginForm(AuthenticationForm):
    """Whoever guesses has to wait, before a slow hash is paid; the error then has the code THROTTLED."""

    retry_after_seconds = 0

    def clean(self) -> dict[str, Any]:
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        username = self.cleaned_data.get("username", "")
        self._check(address, username)
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            throttle.note_failure(address, username)
            raise
        throttle.note_success(address, username)
        return cleaned

    def _check(self, address: str, username: str) -> None:
        try:
            throttle.check(address, username)
        except throttle.Throttled as error:
            self.retry_after_seconds = ceil(error.retry_after_seconds)
            text = f"Too many wrong passwords. Try again in {self.retry_after_seconds} s."
            raise ValidationError(text, code=THROTTLED) from error
