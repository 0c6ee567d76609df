"""Ours: model-application and data-loader with their defaults."""

from answering import bodies, models
from answering.recorded import Recorded
from common.children import output
from common.servers import Service
from peers import System
from peers.served import Served


class _Ours(System):
    """One of our programs; `settings` are pairs of section.key=value on top of the defaults."""

    program = ""

    def __init__(self, name, settings=()):
        self.name = name
        self.settings = list(settings)

    def prepare(self, bed):
        self._path = bed.built / self.program

    def described(self):
        settings = dict(pair.split("=", 1) for pair in self.settings)
        return {"version": output([self._path, "--version"]).strip(),
                "settings": {"defaults": "config/default.toml", **settings}}


class Loader(_Ours):
    """One data-loader, or several in a group."""

    program = "data-loader"

    def __init__(self, settings=(), members=1):
        super().__init__("ours", settings)
        self.members = members

    def start(self, bed, load):
        number = bed.number("group-ours")
        settings = [f"kafka.topics.new_data={load.topic}", f"kafka.topics.rejects=rejects-{number}",
                    f"loader.group=ours-{number}", *self.settings]
        return [bed.child("ours", [self.program], settings) for _ in range(self.members)]


class Applier(_Ours):
    """One model-application with one model, fitted with some effort."""

    program = "model-application"
    stores = "answers"

    def __init__(self, name, effort, settings=()):
        super().__init__(name, settings)
        self._effort = effort

    def prepare(self, bed):
        super().prepare(bed)
        self._recorded = bed.listings if isinstance(bed.listings, Recorded) else None
        self._registry = models.ours(bed.built / "model-prepare", self._effort, recorded=self._recorded)
        if self._recorded:
            self.settings.append(f"schema.source={self._recorded.schema}")

    def start(self, bed, place, registry=None):
        settings = [
            f"kafka.topics.requests={place.requests}",
            f"kafka.topics.answers={place.answers}",
            f"kafka.topics.rejects={place.rejects}",
            f"applier.group=ours-{place.number}",
            f"registry.path={registry or self._registry}",
            *self.settings,
        ]
        return [bed.child(self.name, [self.program], settings, place.database_url)]

    def command(self, subcommand):
        """A subcommand of the program with the same model and settings."""
        return [self._path, subcommand, "--registry", self._registry, *(f"--set={one}" for one in self.settings)]

    def described(self):
        rows = self._recorded.table.name if self._recorded else f"{models.ROWS:,} generated listings"
        model = f"prepare.effort={self._effort}, fitted on {rows}"
        return {**super().described(), "model": model}


class ApplierHttp(Applier):
    """`POST /predict` with records."""

    path = "/predict"
    body = staticmethod(bodies.ours)

    def serve(self, bed, place, rows):
        """Starts it; its topics stay empty."""
        children = self.start(bed, place)
        address = Service(self.name, children[0]).address
        return children, Served(address, self.path, bodies.written(bed, self.name, rows, self.body))


class ApplierProtocol(ApplierHttp):
    """The Open Inference Protocol v2, a tensor a field, one record a request."""

    works = (1,)
    path = "/v2/models/real-estate/infer"
    body = staticmethod(bodies.ours_by_protocol)
