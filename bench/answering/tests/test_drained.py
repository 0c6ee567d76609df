"""What a pile of answers must hold, and its figures."""

import unittest

from answering.drained import Drained, add_rows, wrong_with
from answering.spent import Spent
from common.report import Report


def judged(**found):
    return {"missing": 0, "twice": 0, "unknown": 0, "unpriced": 0, **found}


class Judged(unittest.TestCase):
    def test_all_answered_once_and_stored(self):
        self.assertIsNone(wrong_with(judged(), 100, 100, True))
        self.assertIsNone(wrong_with(judged(), None, 100, True))

    def test_everything_that_is_wrong_is_told(self):
        self.assertEqual(
            wrong_with(judged(missing=2, twice=1_000), 98, 100, True),
            "2 missing, 1,000 twice, 98 stored for 100",
        )

    def test_an_echo_needs_no_prices(self):
        self.assertIsNone(wrong_with(judged(unpriced=100), None, 100, False))
        self.assertEqual(wrong_with(judged(unpriced=1), None, 100, True), "1 without a price")

    def test_figures_are_of_what_lies_between_the_two_looks(self):
        run = Drained(40_000, 2.0, 9.0, Spent(3.0, 1.0, 0.5, 10**8), None)
        self.assertEqual(run.per_s, 20_000)
        report = Report("test")
        add_rows(report, "ours", "work", [run])
        medians = {row["metric"]: row["median"] for row in report.rows}
        self.assertEqual(medians["processor time"], 75.0)
        self.assertEqual(medians["peak memory"], 100.0)

    def test_what_was_spent_is_a_difference(self):
        spent = Spent(5.0, 2.0, 1.0).since(Spent(1.0, 1.5, 1.0), 10**8)
        self.assertEqual((spent.system_s, spent.database_s, spent.broker_s), (4.0, 0.5, 0.0))


if __name__ == "__main__":
    unittest.main()
