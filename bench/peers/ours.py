"""data-loader: exactly once, with its defaults."""

from common.children import Child
from common.tool import output
from peers import System


class Ours(System):
    """One data-loader, or several in a group."""

    name = "ours"

    def __init__(self, settings=()):
        """`settings` are pairs of section.key=value on top of the defaults."""
        self._settings = list(settings)

    def prepare(self, bed):
        self._program = bed.built / "data-loader"

    def start(self, bed, load, members=1):
        return self.start_on(bed, load.topic, members)

    def start_on(self, bed, topic, members=1):
        number = bed.number("group-ours")
        settings = [
            f"kafka.topics.new_data={topic}",
            f"kafka.topics.rejects=rejects-{number}",
            f"loader.group=ours-{number}",
            *self._settings,
        ]
        return [process(self._program, bed, "ours", bed.postgres.url, settings)
                for _ in range(members)]

    def described(self):
        return {
            "version": version(self._program),
            "guarantee": "exactly once: rows, rejects and offsets in one transaction",
            "settings": described(self._settings),
        }


def process(program, bed, name, database_url, settings):
    """Starts one of our services on a free port."""
    pairs = (f"--set={setting}" for setting in settings)
    return Child([program, "--http", "127.0.0.1:0", "--kafka", bed.brokers, *pairs],
                 log=bed.log(name), env={"DATABASE_URL": database_url})


def version(program):
    return output([program, "--version"]).strip()


def described(settings):
    """Settings on top of the defaults, for the result."""
    return {"defaults": "config/default.toml", **dict(pair.split("=", 1) for pair in settings)}
