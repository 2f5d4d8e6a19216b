"""What only the driver in memory does."""

import pytest

from registryhub.storage.base import StorageFull
from registryhub.storage.memory import MemoryDriver


def test_a_bounded_memory_fills_up() -> None:
    """With a capacity it says how much is left, and refuses more."""
    driver = MemoryDriver(capacity=10)
    driver.write("one", b"123456")
    assert driver.free_bytes() == 4
    with pytest.raises(StorageFull):
        driver.write("two", b"12345")
    with driver.open_appender("one") as appender:
        appender.start_at(6)
        with pytest.raises(StorageFull):
            appender.write(b"12345")
    assert driver.size("one") == 6
