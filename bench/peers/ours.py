"""data-loader: exactly once, with its defaults."""

import subprocess

from common.children import Child

# Enough for a group to form.
STARTUP_LIMIT_S = 60


class Ours:
    """One data-loader, or several in a group."""

    name = "ours"
    given_up = None
    startup_limit_s = STARTUP_LIMIT_S

    def __init__(self, program, settings=()):
        """`settings` are pairs of section.key=value on top of the defaults."""
        self._program = program
        self._settings = list(settings)

    def prepare(self, _bed):
        """Nothing to fetch."""

    def start(self, bed, load, members=1):
        """Starts so many members of a new group."""
        return self.start_on(bed, load.topic, members)

    def start_on(self, bed, topic, members=1):
        """The same on a topic of any kind."""
        number = bed.number("group-ours")
        settings = [
            f"kafka.topics.new_data={topic}",
            f"kafka.topics.rejects=rejects-{number}",
            f"loader.group=ours-{number}",
            *self._settings,
        ]
        command = [
            self._program, "--http", "127.0.0.1:0", "--kafka", bed.kafka.brokers,
            *(part for setting in settings for part in ("--set", setting)),
        ]
        env = {"DATABASE_URL": bed.postgres.url}
        return [Child(command, log=bed.log("ours"), env=env) for _ in range(members)]

    def described(self):
        """Version and settings."""
        done = subprocess.run([self._program, "--version"], capture_output=True, text=True)
        settings = dict(pair.split("=", 1) for pair in self._settings)
        return {
            "version": done.stdout.strip(),
            "guarantee": "exactly once: rows, rejects and offsets in one transaction",
            "settings": {"defaults": "config/default.toml", **settings},
        }
