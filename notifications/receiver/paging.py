"""Pages of the receiver's lists, for its REST API."""

from typing import Any

from rest_framework import serializers

from registryhub.database.keyset import InvalidCursor, Page, read_page


class PageQuery(serializers.Serializer):
    limit = serializers.IntegerField(default=50, min_value=1, max_value=1000)
    cursor = serializers.CharField(default="", allow_blank=True, help_text="from `next`")


def read_rows(rows: Any, order: str, asked: dict[str, Any]) -> Page:
    """A page in a unique order. Raises ValidationError for a cursor that is none."""
    try:
        return read_page(rows, (order,), cursor=asked["cursor"], limit=asked["limit"])
    except InvalidCursor as error:
        raise serializers.ValidationError({"cursor": str(error)}) from error
