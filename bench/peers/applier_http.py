"""model-application asked over HTTP; its answers are stored."""

from answering import bodies
from peers.applier import Applier
from peers.served import Served


class ApplierHttp(Applier):
    """`POST /predict` with records."""

    works = bodies.ROWS
    path = "/predict"

    def serve(self, bed, place, rows):
        """Starts it; its topics stay empty."""
        body = bodies.ours_by_protocol if self.path.startswith("/v2") else bodies.ours
        file = bodies.written(
            bed.directory / f"bodies-{self.name}-{rows}", bed.listings, rows, body
        )
        children = self.start(bed, place)
        return children, Served(self.address(children), self.path, file)


class ApplierProtocol(ApplierHttp):
    """The Open Inference Protocol v2, a tensor a field, one record a request."""

    works = (1,)
    path = "/v2/models/real-estate/infer"
