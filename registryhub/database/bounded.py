"""Pages of the admin over large tables that the hub writes itself."""

from functools import cached_property
from typing import ClassVar, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

MAX_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts up to MAX_COUNTED rows and shows no further; whoever wants what lies behind searches for it.

    COUNT(*) over millions of rows takes seconds, and so does a large OFFSET.
    """

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet, self.object_list)
        return rows.order_by()[:MAX_COUNTED].count()


class LookAtAdmin(ModelAdmin):
    """Read only, and never a count of the whole table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
