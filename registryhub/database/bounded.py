"""Lists of the admin that never count a whole table."""

from functools import cached_property
from typing import cast

from django.core.paginator import Paginator
from django.db.models import QuerySet

MAX_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts up to MAX_COUNTED rows and shows no further; whoever wants what lies behind searches for it.

    COUNT(*) over millions of rows takes seconds, and so does a large OFFSET.
    """

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet, self.object_list)
        return rows.order_by()[:MAX_COUNTED].count()
