"""What is read out of metrics and logs."""

import unittest

from soaking.look import deleted, metrics, rounds_ms


class Look(unittest.TestCase):
    def test_metrics_are_read_with_their_labels(self):
        found = metrics('# HELP a b\na{table="answers",x="1"} 3\nplain 0.5\nbroken{ 1\n')
        self.assertEqual(found, {
            ("a", (("table", "answers"), ("x", "1"))): 3.0,
            ("plain", ()): 0.5,
        })

    def test_deletions_of_several_services_are_added(self):
        text = ('hedonic_retention_deleted_rows_total{table="answers"} 5\n'
                'hedonic_retention_deleted_rows_total{table="rejects"} 1\n')
        both = deleted(metrics(text), deleted(metrics(text), {}))
        self.assertEqual(both, {"answers": 10, "rejects": 2})

    def test_rounds_of_quality_are_told_from_other_lines(self):
        text = ("DEBUG model_application::quality::round: quality \x1b[3mtook_ms\x1b[0m=12\n"
                "INFO other took_ms=7\n"
                "DEBUG model_application::quality::round: quality took_ms=345\n")
        self.assertEqual(rounds_ms(text), [12, 345])


if __name__ == "__main__":
    unittest.main()
