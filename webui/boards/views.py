"""`/boards`: who leads, in every respect; `/boards/<name>`: one board, with more lines."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications.analytics.boards import Board, boards
from notifications.analytics.scope import scope_of
from notifications.analytics.windows import WINDOWS
from registryhub.access.models import HUB_SOURCE_NAME, Source
from registryhub.access.visibility import sees_everything
from webui.boards.lines import show_board
from webui.operations.event_filter import visible_sources
from webui.panels.windows import parse_window

LINES, MORE_LINES = 5, 100


@require_safe
def all_boards(request: HttpRequest) -> HttpResponse:
    """The first lines of each."""
    window, source, now = parse_window(request.GET.get("window", "")), _find_source(request), timezone.now()
    scope = scope_of(request.user, source)
    shown = [show_board(board, scope, window, now, LINES) for board in _visible_boards(request)]
    context = {"boards": shown, "window": window, "windows": WINDOWS, "source": source.name, "asked": _asked(source)}
    return render(request, "webui/boards/all.html", context | {"sources": _source_names(request)})


@require_safe
def one_board(request: HttpRequest, name: str) -> HttpResponse:
    """The first hundred lines."""
    board = next((each for each in _visible_boards(request) if each.name == name), None)
    if board is None:
        raise Http404
    source = _find_source(request)
    window = parse_window(request.GET.get("window", ""))
    shown = show_board(board, scope_of(request.user, source), window, timezone.now(), MORE_LINES)
    context = {"shown": shown, "window": shown.window, "windows": board.windows, "source": source.name}
    query = urlencode({"window": shown.window, "source": source.name, "limit": MORE_LINES})
    return render(request, "webui/boards/one.html", context | {"query": query, "asked": _asked(source)})


def _visible_boards(request: HttpRequest) -> list[Board]:
    is_staff = sees_everything(request.user)
    return [board for board in boards().values() if is_staff or not board.is_for_staff]


def _find_source(request: HttpRequest) -> Source:
    """This hub by default, which everybody knows of. Raises Http404."""
    name = request.GET.get("source", "") or HUB_SOURCE_NAME
    sources = Source.objects.all() if name == HUB_SOURCE_NAME else visible_sources(request.user)
    found = sources.filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise Http404
    return found


def _source_names(request: HttpRequest) -> list[str]:
    return list(visible_sources(request.user).order_by("name").values_list("name", flat=True))


def _asked(source: Source) -> str:
    """What links to other pages of the same source carry on."""
    return "" if source.is_hub else "&" + urlencode({"source": source.name})
