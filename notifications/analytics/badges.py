"""`/badges/<name>/pulls.svg`: a number to put into a README. The same for everybody: only of what is public."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import conditional_page, require_safe
from rest_framework import serializers
from rest_framework.exceptions import NotFound

from notifications.analytics.classify import RULE_VERSION
from notifications.analytics.compact import compact
from notifications.analytics.models import RepositoryTotals, TagTotals
from notifications.analytics.questions import SourceQuery
from notifications.analytics.scope import Scope, find_repository, find_source
from notifications.analytics.series import series
from notifications.analytics.spans import Span
from notifications.analytics.windows import WINDOWS, Window, window_start
from registryhub.access.models import Repository

KEPT_SECONDS = 300
SPARK_DAYS = 30

_HEIGHT, _PAD, _LETTER, _SPARK = 20, 6, 6.6, 70
_WORDS = {"24h": "pulls/24h", "7d": "pulls/7d", "30d": "pulls/30d", "90d": "pulls/90d", "all": "pulls"}

_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {text}">
<title>{label}: {text}; counting rules, version {rule}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="4"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4252"/>
<rect x="{left}" width="{right}" height="20" fill="#2b6cb0"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{at_label}" y="14">{label}</text><text x="{at_text}" y="14">{text}</text></g>{spark}
</svg>
"""


class BadgeQuery(SourceQuery):
    window = serializers.ChoiceField(WINDOWS, default="all")
    tag = serializers.CharField(default="", allow_blank=True, max_length=128)
    sparkline = serializers.BooleanField(default=False)


@require_safe
@conditional_page
def badge(request: HttpRequest, name: str) -> HttpResponse:
    """404 for what does not exist or is not public, whoever asks: caches keep it for everybody."""
    query = BadgeQuery(data=request.GET.dict())
    if not query.is_valid():
        return _refused(400, "; ".join(f"{field}: {errors[0]}" for field, errors in query.errors.items()))
    asked = query.validated_data
    try:
        source = find_source(AnonymousUser(), asked["source"])
        repository = find_repository(AnonymousUser(), source, name)
    except NotFound as error:
        return _refused(404, str(error.detail))
    now = timezone.now()
    values = _recent(repository, asked["tag"], now) if asked["sparkline"] else []
    picture = draw(_WORDS[asked["window"]], compact(_count(repository, asked["tag"], asked["window"], now)), values)
    answer = HttpResponse(picture, content_type="image/svg+xml; charset=utf-8")
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return answer


def draw(label: str, text: str, values: list[int]) -> SafeString:
    """The picture, whole in itself: nothing is fetched from anywhere."""
    left, right = (round(len(words) * _LETTER) + 2 * _PAD for words in (label, text))
    room = _SPARK + _PAD if values else 0
    return format_html(
        _BADGE,
        width=left + right + room,
        left=left,
        right=right + room,
        at_label=left / 2,
        at_text=left + right / 2,
        label=label,
        text=text,
        rule=RULE_VERSION,
        spark=_spark(values, left + right) if values else "",
    )


def _spark(values: list[int], start: int) -> SafeString:
    top, step = max(values) or 1, _SPARK / max(1, len(values) - 1)
    points = format_html_join(
        " ",
        "{},{}",
        ((f"{start + index * step:.1f}", f"{16 - 12 * value / top:.1f}") for index, value in enumerate(values)),
    )
    return format_html('\n<polyline points="{}" fill="none" stroke="#fff" stroke-width="1.5"/>', points)


def _count(repository: Repository, tag: str, window: Window, now: datetime) -> int:
    """One query. Of a tag windows are added up, of repositories they are kept."""
    start = window_start(window, now)
    if tag and start is not None:
        span = Span("hour" if window == "24h" else "day", start, now)
        return sum(point.pulls for point in series(Scope((repository.pk,)), span, tag))
    if tag:
        of_tag = TagTotals.objects.filter(repository=repository, tag=tag)
        return of_tag.values_list("pulls", flat=True).first() or 0
    column = "pulls" if window == "all" else f"pulls_{window}"
    found: int | None = RepositoryTotals.objects.filter(repository=repository).values_list(column, flat=True).first()
    return found or 0


def _recent(repository: Repository, tag: str, now: datetime) -> list[int]:
    """Of the last days, without this one, which is not over."""
    span = Span("day", now - timedelta(days=SPARK_DAYS), now)
    return [point.pulls for point in series(Scope((repository.pk,)), span, tag)][:-1]


def _refused(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


urlpatterns = [re_path(r"^badges/(?P<name>[^\x00\n]+?)/pulls\.svg$", badge, name="badge")]
