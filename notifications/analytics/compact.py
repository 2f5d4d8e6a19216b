"""Numbers in little room. Pure."""


def compact(number: int) -> str:
    """950, 9,500, 12k, 1.5M."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= 10**4 and number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + letter
    return f"{number:,}"
