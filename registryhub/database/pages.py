"""Pages of REST lists."""

from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """By a cursor that does not slip when new rows come in; `ordering` must be unique."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 1000


class LatestFirst(Pages):
    ordering = "-id"
