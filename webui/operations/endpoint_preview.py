"""What an endpoint would get by the settings in a form that is not saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from notifications import facts
from notifications.delivery.definitions.typed import BadEndpoint
from notifications.delivery.filtering.preview import Backtest, Preview, backtest, preview, read_filter
from notifications.facts import Facts
from notifications.log.consume import LoggedEvent
from webui.operations.endpoint_forms import EndpointForm

_CHOOSING = ("filter", "ignore")


@dataclass(frozen=True, slots=True)
class Row:
    """An event; `reason` is the label of the field that keeps it from being sent, empty when it is sent."""

    event: LoggedEvent
    known: Facts
    reason: str


@dataclass(frozen=True, slots=True)
class Trial:
    """Its parts are None when `problems` say why: a label and what is wrong with the field."""

    latest: Preview | None = None
    history: Backtest | None = None
    rows: Sequence[Row] = ()
    problems: Sequence[tuple[str, str]] = ()

    @property
    def a_day(self) -> str:
        """How many it would have sent: 1,204, 14, 2.5, 0."""
        number = self.history.a_day if self.history else 0.0
        return f"{number:,.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")


def try_out(form: EndpointForm) -> Trial:
    """What is wrong with the fields that choose events stands beside them; the other fields do not matter yet."""
    choosing = {name: place for name, place in form.NESTED.items() if place[0] in _CHOOSING}
    for name in form.errors.keys() - choosing.keys():
        del form.errors[name]
    if not form.errors:
        try:
            wanted = read_filter(_document(form, choosing))
        except BadEndpoint as error:
            form.refuse(error.problems)
        else:
            latest = preview(wanted)
            labels = {f"{outer}.{inner}": str(form.fields[name].label) for name, (outer, inner) in choosing.items()}
            rows = [
                Row(event, facts.parse(event.facts), labels.get(key or "", key or "")) for event, key in latest.verdicts
            ]
            return Trial(latest, backtest(wanted), rows)
    return Trial(
        problems=[(str(form.fields[name].label), " ".join(map(str, texts))) for name, texts in form.errors.items()]
    )


def _document(form: EndpointForm, choosing: dict[str, tuple[str, str]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, (outer, inner) in choosing.items():
        if value := form.cleaned_data.get(name):
            document.setdefault(outer, {})[inner] = value
    return document
