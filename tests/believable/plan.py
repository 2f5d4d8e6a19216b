"""Which images the hub of the pictures holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Plan:
    """`ages` are the minutes since each tag was pushed; `growth` is how much more it is pulled at the end."""

    name: str
    pulls_a_day: int
    growth: float
    pushes_a_day: float
    tags: Sequence[str]
    ages: Sequence[int]
    layers: Sequence[int]
    platforms: Sequence[str] = ("linux/amd64",)
    is_public: bool = False
    source: str = ""

    def moved_at(self, number: int, now: datetime) -> datetime:
        """When the tag of that number was pushed."""
        return now - timedelta(minutes=self.ages[number % len(self.ages)] * (1 + number // len(self.ages)))

    def pushed_at(self, now: datetime) -> datetime:
        """When any was pushed last."""
        return max(self.moved_at(number, now) for number in range(len(self.tags)))


_BOTH = ("linux/amd64", "linux/arm64")
_RELEASES = ("5.2.0", "5.1.9", "5.1.8", "edge", "4.9-lts", "5.1.7", "5.1.6", "5.0.3")
_AGES = (4, 4_320, 17_280, 4, 220_000, 26_000, 40_000, 90_000)

PLANS: Sequence[Plan] = (
    Plan("platform/api", 19_800, 0.18, 4, _RELEASES, _AGES, (28_400_000, 9_100_000, 3_650_000), _BOTH),
    Plan("web/storefront", 13_900, 0.04, 6, ("2.15", "2.14", "canary"), (8, 3_000, 8), (31_000_000, 12_400_000), _BOTH),
    Plan("data/ingest", 10_300, -0.12, 2, ("0.9.2", "0.9.3", "nightly"), (6_000, 41, 700), (52_000_000, 88_000_000)),
    Plan(
        "base/python",
        9_500,
        0.02,
        0.5,
        ("3.13", "3.12", "3.11"),
        (1_900, 9_000, 9_000),
        (29_000_000, 17_800_000),
        (*_BOTH, "linux/arm/v7"),
        is_public=True,
    ),
    Plan("ml/serving", 5_200, 0.55, 3, ("stable", "1.8.0", "1.7.4"), (260, 260, 8_000), (900_000_000, 2_150_000_000)),
    Plan(
        "tools/ci-runner",
        4_300,
        0.01,
        1,
        ("latest", "24.11"),
        (2_500, 2_500),
        (61_000_000, 140_000_000),
        is_public=True,
    ),
    Plan("edge/proxy", 3_300, -0.03, 1, ("1.1", "1.0"), (190, 12_000), (3_400_000, 9_900_000), _BOTH, is_public=True),
    Plan("docs/site", 2_700, 0.07, 5, ("main",), (55,), (23_000_000, 4_100_000), is_public=True),
    Plan("base/node", 2_500, 0.0, 0.3, ("22", "20"), (5_000, 30_000), (48_000_000,), _BOTH, is_public=True),
    Plan("platform/worker", 1_900, 0.2, 4, ("5.2.0", "5.1.9"), (4, 4_320), (28_400_000, 7_700_000)),
    Plan("infra/backup", 48, 0.0, 0.1, ("2.3",), (60_000,), (14_000_000,)),
    Plan("mirror/debian", 820, -0.2, 0, ("bookworm", "trixie"), (80_000, 9_000), (48_500_000,), source="frankfurt"),
)
