"""Several requests of one endpoint at a time: threads that send, each over a connection of its own."""

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from notifications.delivery.faces import read_document
from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending.resend import Post
from notifications.delivery.sending.traffic import Shipment

Arrival = tuple[Shipment, Outcome | Exception]


class Lanes:
    """A thread for each post. What is started comes home once, in the order of the answers."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._todo: SimpleQueue[Shipment | None] = SimpleQueue()
        self._home: SimpleQueue[Arrival] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, args=(post,), daemon=True) for post in posts]
        for thread in self._threads:
            thread.start()

    def start(self, shipment: Shipment) -> None:
        self._todo.put(shipment)

    def arrival(self, seconds: float) -> tuple[Shipment, Outcome] | None:
        """What has come home next, waited for so long at most. Raises what went wrong in the sending itself."""
        try:
            shipment, outcome = self._home.get(timeout=seconds) if seconds > 0 else self._home.get_nowait()
        except Empty:
            return None
        if isinstance(outcome, Exception):
            raise outcome
        return shipment, outcome

    def close(self) -> None:
        """End the threads, each after the request that it has begun."""
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, post: Post) -> None:
        while (shipment := self._todo.get()) is not None:
            try:
                outcome: Outcome | Exception = post(
                    [read_document(event.action, event.raw) for event in shipment.events]
                )
            except Exception as error:  # it is the sender's, which is told when the shipment is home
                outcome = error
            self._home.put((shipment, outcome))
