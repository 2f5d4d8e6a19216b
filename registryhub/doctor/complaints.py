"""What went wrong last, by subject: written where it is caught, read by the doctor."""

from datetime import datetime

from django.db.models.functions import Now

from registryhub.doctor.models import Complaint

MAX_TEXT = 500


def complain(subject: str, error: BaseException) -> None:
    """Write down the error in place of the last one of this subject. Raises database errors."""
    text = f"{type(error).__name__}: {error}".strip(": ").replace("\0", "\\0")[:MAX_TEXT]
    row = {"text": text.encode(errors="backslashreplace").decode(), "raised_at": Now()}
    Complaint.objects.update_or_create(subject=subject, defaults=row)


def last_complaint(subject: str, *, since: datetime) -> str:
    """What was complained about after a moment of the database's clock; empty when nothing was."""
    found = Complaint.objects.filter(subject=subject, raised_at__gte=since)
    return found.values_list("text", flat=True).first() or ""
