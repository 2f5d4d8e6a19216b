"""What forms have in common whose fields are the settings of something: services, endpoints."""

from collections.abc import Mapping
from typing import Any

from django import forms


class SettingsOf(forms.BaseForm):
    """`SETTINGS` names the fields that are settings under their own name, `NESTED` those within another setting."""

    SETTINGS: tuple[str, ...] = ()
    NESTED: Mapping[str, tuple[str, str]] = {}
    """Field → (outer key, inner key)."""

    def show(self, settings: Mapping[str, Any]) -> None:
        """Let the fields begin with these settings."""
        for name in self.SETTINGS:
            self._begin(name, settings.get(name))
        for name, (outer, inner) in self.NESTED.items():
            self._begin(name, (settings.get(outer) or {}).get(inner))

    def filled(self) -> dict[str, Any]:
        """The settings that are filled in: the rest has its defaults."""
        data = self.cleaned_data
        found = {name: data[name] for name in self.SETTINGS if not _is_empty(data[name])}
        for name, (outer, inner) in self.NESTED.items():
            if not _is_empty(data[name]):
                found.setdefault(outer, {})[inner] = data[name]
        return found

    def place(self, key: str, problem: str) -> None:
        """Beside its field: `ports.1` is line 2 of the ports; `health.command` a field of its own; some name their
        field in the text.
        """
        outer, *rest = key.split(".")
        nested = {place: name for name, place in self.NESTED.items()}
        name = nested.get((outer, rest[0] if rest else ""), outer)
        named, _, mend = problem.partition(": ")
        if name in self.fields:
            line = f"Line {int(rest[0]) + 1}: " if rest and rest[0].isdecimal() else ""
            self.add_error(name, f"{line}{problem}")
        elif named in self.fields:
            self.add_error(named, mend)
        else:
            self.add_error(None, f"{key}: {problem}")

    def _begin(self, name: str, value: Any) -> None:
        if value is not None:
            self.initial[name] = self.fields[name].prepare_value(value)


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})
