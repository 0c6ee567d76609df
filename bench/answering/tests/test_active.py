"""Answers against the times at which models were active."""

import unittest

from answering.active import SLACK_S, History


def history():
    """one until 1 s, two from then until 2 s, one again."""
    made = History("one")
    made.swapped("two", 1_000_000, 1_100_000)
    made.swapped("one", 2_000_000, 2_100_000)
    return made


class Active(unittest.TestCase):
    def judge(self, *sayings):
        return history().judge(sayings)

    def test_answers_of_active_models_are_true(self):
        verdict = self.judge(
            (500_000, "one"), (1_050_000, "one"), (1_050_000, "two"), (2_050_000, "two"),
            (9_000_000, "one"),
        )
        self.assertIsNone(verdict.wrong)
        self.assertEqual(verdict.counts, {"one": 3, "two": 2})
        self.assertEqual(verdict.late, 0)

    def test_a_model_that_was_not_asked_for_yet_is_untrue(self):
        self.assertEqual(self.judge((999_999, "two")).untrue, 1)
        self.assertIn("not active yet", self.judge((999_999, "two")).wrong)

    def test_a_model_that_never_was_is_untrue(self):
        self.assertEqual(self.judge((5_000_000, "three")).untrue, 1)

    def test_a_batch_may_end_with_the_model_it_began_with(self):
        verdict = self.judge((1_400_000, "one"))
        self.assertEqual(verdict.late, 1)
        self.assertAlmostEqual(verdict.latest_s, 0.3)
        self.assertIsNone(verdict.wrong)

    def test_but_not_for_long(self):
        at_us = 2_100_000 + int(SLACK_S * 1e6) + 1
        self.assertIn("after it was replaced", self.judge((at_us, "two")).wrong)


if __name__ == "__main__":
    unittest.main()
