"""The stages in the text of /metrics."""

import unittest

from answering import stages
from common.report import Report

METRICS = """\
# TYPE hedonic_request_stage_duration_seconds histogram
hedonic_request_stage_duration_seconds_bucket{stage="gather",le="0.001"} 3
hedonic_request_stage_duration_seconds_sum{stage="gather"} 0.5
hedonic_request_stage_duration_seconds_count{stage="gather"} 4
hedonic_request_stage_duration_seconds_sum{service="applier",stage="store"} 2
hedonic_request_stage_duration_seconds_count{service="applier",stage="store"} 4
hedonic_applier_answered_total 1000
"""


class Stages(unittest.TestCase):
    def test_sums_and_counts_are_read_whatever_other_labels_there_are(self):
        self.assertEqual(stages.read(METRICS), {"gather": (4, 0.5), "store": (4, 2.0)})

    def test_rows_are_per_answer_and_per_batch(self):
        report = Report("test")
        stages.add_rows(report, "ours", "work", METRICS)
        medians = {row["metric"]: row["median"] for row in report.rows}
        self.assertEqual(medians["batch"], 250)
        self.assertEqual(medians["store, wall time"], 2000)
        self.assertEqual(medians["gather, wall time of a batch"], 125)

    def test_a_process_that_answered_nothing_over_kafka_has_none(self):
        report = Report("test")
        stages.add_rows(report, "ours", "work", "hedonic_applier_answered_total 0\n")
        self.assertEqual(report.rows, [])
