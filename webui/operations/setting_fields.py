"""Fields of forms for settings that are lists, pairs, commands and spans of time."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


class LinesField(forms.CharField):
    """One entry a line; empty lines count for nothing."""

    def __init__(self, example: str, *, rows: int = 3, **kwargs: Any) -> None:
        widget = forms.Textarea({"rows": rows, "placeholder": example, **_PLAIN})
        super().__init__(required=False, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


class PairsField(LinesField):
    """A name and a value a line, with a mark between them."""

    def __init__(self, mark: str, example: str, **kwargs: Any) -> None:
        super().__init__(example, **kwargs)
        self._mark = mark

    def prepare_value(self, value: Any) -> Any:
        space = " " if self._mark == ":" else ""
        if isinstance(value, Mapping):
            return "\n".join(f"{name}{self._mark}{space}{text}" for name, text in value.items())
        return value

    def to_python(self, value: Any) -> Any:
        lines: list[str] = super().to_python(value)
        for number, line in enumerate(lines, 1):
            if not line.partition(self._mark)[0].strip() or self._mark not in line:
                raise ValidationError(f"Line {number}: write a name, “{self._mark}” and a value.")
        pairs = (line.partition(self._mark) for line in lines)
        return {name.strip(): text.strip() for name, _, text in pairs}


class HeadersField(LinesField):
    """`Name: value` a line; a header of several values has several lines."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return "\n".join(f"{name}: {text}" for name, texts in value.items() for text in texts)
        return value

    def to_python(self, value: Any) -> Any:
        found: dict[str, list[str]] = {}
        for number, line in enumerate(super().to_python(value), 1):
            name, colon, text = line.partition(":")
            if not colon or not name.strip():
                raise ValidationError(f"Line {number}: write a name, “:” and a value.")
            found.setdefault(name.strip(), []).append(text.strip())
        return found


class SpanField(forms.CharField):
    """A span of time with its unit; left empty it has its default, which is shown."""

    def __init__(self, default: str, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.TextInput({"placeholder": default, **_PLAIN}), **kwargs)


class CommandField(forms.CharField):
    """A command and its arguments as a shell takes them apart, kept as a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.TextInput(_PLAIN), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return shlex.join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        try:
            return shlex.split(super().to_python(value) or "")
        except ValueError as error:
            raise ValidationError(f"This cannot be taken apart: {error}.") from error


class HealthCommandField(forms.CharField):
    """For the shell of the image; a JSON list of words runs without a shell, as in a Dockerfile."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput({"placeholder": "wget -q -O- http://localhost/health", **_PLAIN})
        super().__init__(required=False, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not text.startswith("["):
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValidationError('A list is written ["wget", "-q", "http://localhost/health"].') from error


class SecondsField(forms.FloatField):
    """A span of time; left empty it has its default, which is shown."""

    def __init__(self, default: float, **kwargs: Any) -> None:
        kwargs["label"] = f"{kwargs['label']} (s)"
        super().__init__(required=False, min_value=0, max_value=86_400, **kwargs)
        self.widget.attrs |= {"placeholder": f"{default:g}", "step": "any"}


class WholeField(forms.IntegerField):
    """A number; left empty it has its default, which is shown."""

    def __init__(self, default: int | str, *, most: int = 1000, **kwargs: Any) -> None:
        super().__init__(required=False, min_value=1, max_value=most, **kwargs)
        self.widget.attrs |= {"placeholder": str(default)}
