"""Answers as CSV, for `?format=csv`."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer

_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


class CsvRenderer(BaseRenderer):
    """Renders what the view's `csv_rows(document)` returns; its `csv_columns` are the first line."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""  # of an answer without a body
        context = renderer_context or {}
        view, response = context["view"], context["response"]
        response["Content-Disposition"] = f'attachment; filename="{view.csv_name}.csv"'
        return write(view.csv_columns, view.csv_rows(data))


def write(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The sheet as UTF-8 with a header; text that a spreadsheet would take for a formula is quoted."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return sheet.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_BEGINS):
        return f"'{value}"
    return value
