"""What the doctor says: one finding a hop or check. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "slow", "warning", "stopped", "skipped"]
"""`slow` gets there late, `warning` is not well and harms nothing yet, `skipped` could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`words` say what was found, `mend` what to do about it; `seconds` is how long a hop took."""

    name: str
    state: State
    words: str
    mend: str = ""
    seconds: float | None = None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is stopped."""
    return all(finding.state != "stopped" for finding in findings)
