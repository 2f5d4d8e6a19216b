"""What the log leaves out."""

import io
import logging

import pytest
from django.db import InterfaceError, OperationalError

from registryhub.processes.logs import OutagesInOneLine


def logged(error: Exception) -> str:
    """What a handler with the filter writes about an error."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.addFilter(OutagesInOneLine())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise error
    except type(error):
        logger.exception("Refused: %s", "/path")
    return output.getvalue()


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_an_outage_is_one_line(kind: type[Exception]) -> None:
    """With the path and the reason, and no traceback."""
    assert logged(kind("connection refused\n\tIs it running?")) == "Refused: /path: connection refused Is it running?\n"


def test_any_other_error_keeps_its_traceback() -> None:
    """It is a mistake of ours."""
    assert "Traceback" in logged(ValueError("oh"))
