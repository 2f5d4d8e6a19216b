"""Many rows at once, for the writers of long queues.

SQLite gets a few statements of many rows each: its driver gives up the interpreter lock at every step, so that
`executemany` beside one busy thread inserted 371 rows a second here and held the write lock for seconds.
PostgreSQL gets COPY: a third of what INSERT costs the server.
"""

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

from django.db import connection

_BLOCKS = (256, 64, 16, 4, 1)  # few sizes, so that SQLite's cache of prepared statements holds them all
_MAX_VARIABLES = 32_766  # SQLite's default limit of parameters in one statement
_BINARY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_BINARY_END = struct.pack("!h", -1)
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

Values = Sequence[Any]


def insert_rows(table: str, columns: tuple[str, ...], rows: Sequence[Values]) -> None:
    """Insert rows of text, numbers and times (no bytes) on the caller's transaction.

    Raises django.db.DataError, IntegrityError, UnicodeEncodeError, ValueError or OverflowError when the database
    refuses a row: none of them is inserted then, if the caller rolls back.
    """
    if connection.vendor == "postgresql":
        _copy(table, columns, rows)
    else:
        _insert_blocks(table, columns, rows)


def insert_large(table: str, columns: tuple[str, ...], row: Values) -> None:
    """Insert one row with megabytes of bytes in it, on the caller's transaction or by itself.

    Numbers (64 bits), text, bytes and aware times. As text PostgreSQL would get the bytes in hexadecimal, which took
    it and us 17 µs for each event of a journal; in binary it is 8.
    """
    if connection.vendor != "postgresql":
        adapt = connection.ops.adapt_datetimefield_value
        values = [adapt(each) if isinstance(each, datetime) else each for each in row]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",  # noqa: S608
                values,
            )
        return
    fields = [_binary(each) for each in row]
    parts = [_BINARY_HEAD, struct.pack("!h", len(fields))]
    parts += [part for field in fields for part in (struct.pack("!i", len(field)), field)]
    data = io.BytesIO(b"".join([*parts, _BINARY_END]))
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN BINARY", data, size=1 << 18)


def _binary(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, datetime):
        return struct.pack("!q", (value - _POSTGRES_EPOCH) // timedelta(microseconds=1))
    if isinstance(value, int):
        return struct.pack("!q", value)
    raise TypeError(f"{type(value).__name__} cannot be inserted this way")


def moment_adapter() -> Callable[[datetime], str] | None:
    """How aware times are written for `insert_rows`: SQLite keeps Django's text; None where they go as they are."""
    return None if connection.vendor == "postgresql" else _moment_text


def _moment_text(moment: datetime) -> str:
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ")[:-6]


def _copy(table: str, columns: tuple[str, ...], rows: Sequence[Values]) -> None:
    data = io.BytesIO("".join(map(_copy_line, rows)).encode())
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", data, size=1 << 18)


def _copy_line(row: Values) -> str:
    line = "\t".join(map(str, row))
    is_plain = "\\" not in line and "\n" not in line and "\r" not in line and line.count("\t") == len(row) - 1
    if not is_plain or ("None" in line and None in row):
        line = "\t".join("\\N" if value is None else str(value).translate(_ESCAPES) for value in row)
    return line + "\n"


def _insert_blocks(table: str, columns: tuple[str, ...], rows: Sequence[Values]) -> None:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        for block in _blocks(rows, _MAX_VARIABLES // len(columns)):
            statement = _insert_statement(table, columns, len(block))
            connection.connection.execute(statement, list(chain.from_iterable(block)))


def _blocks(rows: Sequence[Values], limit: int) -> Iterator[Sequence[Values]]:
    start = 0
    for size in _BLOCKS:
        while size <= limit and len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


@cache
def _insert_statement(table: str, columns: tuple[str, ...], count: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)}"  # noqa: S608
