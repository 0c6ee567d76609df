"""Ratios within rounds."""

import unittest

from common.rounds import add_ratios, in_turn, ratio
from common.report import Report


class System:
    """One that gives numbers in turn, or fails."""

    def __init__(self, name, *runs):
        self.name = name
        self.runs = list(runs)


def run(system, _label):
    taken = system.runs.pop(0)
    if taken is None:
        raise RuntimeError("it did not start")
    return taken


class Rounds(unittest.TestCase):
    def test_a_ratio_is_the_median_of_those_within_rounds(self):
        # The machine was slow in the second round: both were, and nothing changes.
        self.assertEqual(ratio([100, 10, 90], [50, 5, 60], float), 2.0)

    def test_runs_that_do_not_count_are_left_out_in_pairs(self):
        self.assertEqual(ratio([100, None, 90], [None, 5, 60], float), 1.5)
        self.assertIsNone(ratio([None], [5], float))
        self.assertIsNone(ratio([3], [4], lambda run: None))

    def test_one_that_fails_is_told_and_the_others_go_on(self):
        report = Report("test")
        systems = [System("ours", 8, 9), System("a-peer", None, 3)]
        rounds = in_turn(systems, 2, report, "some work", run)
        self.assertEqual(rounds, {"ours": [8, 9], "a-peer": [None, 3]})
        self.assertEqual(report.wrong, ["a-peer, some work: it did not start"])
        add_ratios(report, "kafka", rounds, "ours", float)
        self.assertEqual(report.ratios, {"kafka_ours_vs_a_peer": 3.0})


if __name__ == "__main__":
    unittest.main()
