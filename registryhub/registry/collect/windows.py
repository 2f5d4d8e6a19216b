"""Tables are walked by ranges of ids, so that no question takes long however large they are."""

from collections.abc import Iterator

from django.db.models import Max, Model

from registryhub.registry.collect.runs import Run

ROWS = 2000


def windows(run: Run, model: type[Model]) -> Iterator[dict[str, int]]:
    """Filters for the rows that were there when it began, a few at a time, beginning behind the cursor.

    The cursor moves when the next one is asked for. Raises LeaseLost, Stopping.
    """
    rows = model._default_manager
    last, top = run.collection.cursor, rows.aggregate(top=Max("pk"))["top"] or 0
    while last < top:
        ends = rows.filter(pk__gt=last, pk__lte=top).order_by("pk").values_list("pk", flat=True)[ROWS - 1 : ROWS]
        end = next(iter(ends), top)
        yield {"pk__gt": last, "pk__lte": end}
        run.advance(end)
        run.listener.progress(run.collection.phase, end / top)
        last = end
