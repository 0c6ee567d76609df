"""How data-loader grows: with members of a group, and with rows; \\copy beside it."""

from dataclasses import dataclass

from common import rounds
from loading.listings import made
from loading.speed import STARTUP_ROWS, add_rows, one_round
from peers.ours import Ours

MEMBERS = (2, 4)
ROWS = (10_000, 100_000, 10_000_000)
# From so many rows on one round is enough: chance weighs little in a long run.
ONCE_FROM_ROWS = 5_000_000


@dataclass
class Group:
    system: Ours
    name: str
    members: int


def measure(chosen, bed, rows, repeat, report):
    """Members at `rows`, then rows with one member; what `speed` has measured is not repeated."""
    small = made(STARTUP_ROWS)
    for ours in (system for system in chosen if system.name == "ours"):
        groups = [Group(ours, f"{rows:,} rows, {members} members", members) for members in MEMBERS]
        taken = rounds.in_turn(groups, repeat, report, "members", lambda group, label: one_round(
            ours, bed, small, made(rows), f"{group.name}, {label}", members=group.members))
        for group in groups:
            add_rows(report, ours.name, group.name, taken[group.name])
    beside = [system for system in chosen if system.name in ("ours", "copy")]
    for count in (count for count in ROWS if count != rows):
        work, times = f"{count:,} rows", 1 if count >= ONCE_FROM_ROWS else repeat
        taken = rounds.in_turn(beside, times, report, work, lambda system, label: one_round(
            system, bed, small, made(count), f"{work}, {label}"))
        for system in beside:
            add_rows(report, system.name, work, taken[system.name])
