"""Who is told what a collection does while it does it."""


class Listener:
    """Tells nobody; the command prints."""

    def manifest(self, repository: str, digest: str) -> None:
        """It goes."""

    def link(self, repository: str, digest: str) -> None:
        """The blob goes from the repository."""

    def blob(self, digest: str) -> None:
        """It goes with its bytes."""

    def file(self, digest: str) -> None:
        """Bytes of a blob that no row knows go."""

    def progress(self, phase: str, done: float) -> None:
        """How much of the phase is done, from 0 to 1."""
