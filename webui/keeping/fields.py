"""Fields for spans of time in days and for sizes, as people write them."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from registryhub.config.sizes import format_size, parse_size

_SECONDS = {"w": 7 * 86_400, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_AGE = re.compile(r"([0-9]{1,9})\s*([wdhms]?)")
_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


class AgeField(forms.CharField):
    """Whole weeks, days, hours, minutes or seconds, kept as seconds; a bare number is days."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.TextInput({"placeholder": "30d", **_PLAIN}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        unit = next(unit for unit in ("d", "h", "m", "s") if value % _SECONDS[unit] == 0)
        return f"{value // _SECONDS[unit]}{unit}"

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        found = _AGE.fullmatch(text)
        if found is None:
            raise ValidationError("Write a whole number of weeks, days or hours, such as 2w, 30d or 12h.")
        return int(found[1]) * _SECONDS[found[2] or "d"]


class SizeField(forms.CharField):
    """Bytes, or a whole number with a unit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput({"placeholder": "50GiB", **_PLAIN}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return format_size(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return text
        try:
            return parse_size(text)
        except ValueError as error:
            raise ValidationError(f"This {error}.") from error
