"""What the log leaves out."""

import logging

from django.db import InterfaceError, OperationalError


class OutagesInOneLine(logging.Filter):
    """A database that does not answer is one line a refused request, not a traceback each."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, OperationalError | InterfaceError):
            record.msg = f"{record.getMessage()}: {' '.join(str(error).split())}"
            record.args = record.exc_info = None
        return True
