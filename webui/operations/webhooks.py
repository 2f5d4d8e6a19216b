"""`/webhooks`: where events are sent, how that goes, and stopping it for a while."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from notifications.delivery.backlog import measure_backlogs
from notifications.delivery.definitions.pauses import pause_endpoint, resume_endpoint, skip_and_resume
from notifications.delivery.models import Endpoint
from notifications.delivery.rest.endpoint_documents import read_typed
from webui.operations.deliveries import read_deliveries
from webui.operations.doors import require, staff_page
from webui.operations.endpoint_settings import describe_endpoint
from webui.operations.endpoint_state import describe_state, read_states
from webui.operations.notices import latest_notices
from webui.operations.places import read_place


@require_safe
@staff_page
def webhooks(request: HttpRequest) -> HttpResponse:
    """All endpoints by name, which are few, and the latest messages."""
    now = timezone.now()
    states = read_states(Endpoint.objects.defer("sealed").order_by("name"), now)
    return render(request, "webui/operations/webhooks.html", {"states": states, "notices": latest_notices(now)})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def endpoint(request: HttpRequest, name: str) -> HttpResponse:
    """One endpoint; a POST pauses or resumes it, or skips what waited."""
    found = find_endpoint(name)
    if request.method == "POST":
        return _act(request, found)
    deliveries = read_deliveries(found, read_place(request.GET.get("cursor", "")))
    backlog = measure_backlogs([found])[found.pk]
    context = {
        "state": describe_state(found, backlog, timezone.now(), deliveries.share),
        "endpoint": found,
        "deliveries": deliveries,
        "settings": describe_endpoint(found),
        "secrets": typed.secrets if (typed := read_typed(found)) else [],
        "may_change": request.user.has_perm("delivery.change_endpoint"),
        "may_delete": request.user.has_perm("delivery.delete_endpoint"),
    }
    return render(request, "webui/operations/endpoint.html", context)


def find_endpoint(name: str) -> Endpoint:
    """By name first: a name may look like an id. Raises Http404."""
    found = Endpoint.objects.filter(name=name).first()
    if found is None and name.isascii() and name.isdigit() and len(name) < 19:
        found = Endpoint.objects.filter(pk=int(name)).first()
    if found is None:
        raise Http404
    return found


def _act(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    require(request, "delivery.change_endpoint")
    if request.POST.get("act") == "pause":
        pause_endpoint(endpoint)
        messages.success(request, f"{endpoint.name} is paused; its events wait in the log.")
    elif request.POST.get("act") == "resume":
        resume_endpoint(endpoint)
        messages.success(request, f"{endpoint.name} goes on where it stopped.")
    elif request.POST.get("act") == "skip":
        skipped = skip_and_resume(endpoint, by=request.user.get_username())
        count = f"{'' if skipped.is_exact else 'at most '}{skipped.events:,}"
        messages.success(request, f"{endpoint.name} goes on with what comes now; {count} that waited are skipped.")
    return redirect("webui:webhooks-endpoint", name=endpoint.name)
