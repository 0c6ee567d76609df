"""Ratios, verdicts on answers, bodies of requests, and what is read out of metrics and logs."""

import json
import unittest
from collections import namedtuple
from unittest.mock import Mock

from answering import bodies, drained, stages
from answering.active import SLACK_S, History
from common.listings import SLOT
from common.report import Report
from common.rounds import in_turn, ratio
from peers.served import with_ids
from soaking import look

RECORD = {"city": "Tula", "street": "Pskovskaya", "floor": 1, "rooms": 2, "area": 71.6}
METRICS = """\
hedonic_request_stage_duration_seconds_sum{stage="gather"} 0.5
hedonic_request_stage_duration_seconds_count{stage="gather"} 4
hedonic_request_stage_duration_seconds_sum{service="applier",stage="store"} 2
hedonic_request_stage_duration_seconds_count{service="applier",stage="store"} 4
hedonic_applier_answered_total 1000
"""


def answered(at_s, model):
    return {"prediction": 1.0, "model": model, "answered_at": f"1970-01-01T00:00:{at_s:09.6f}Z"}


class Rounds(unittest.TestCase):
    def test_a_ratio_is_the_median_of_those_within_rounds(self):
        # The machine was slow in the second round: both were, and nothing changes.
        self.assertEqual(ratio([100, 10, 90], [50, 5, 60], float), 2.0)
        self.assertEqual(ratio([100, None, 90], [None, 5, 60], float), 1.5)
        self.assertIsNone(ratio([3], [4], lambda run: None))

    def test_a_system_that_fails_is_reported_and_the_others_go_on(self):
        def measure(system, _label):
            if system.name == "peer":
                raise RuntimeError("it did not start")
            return 8

        report, systems = Report("test"), [namedtuple("System", "name")(name) for name in ("ours", "peer")]
        self.assertEqual(in_turn(systems, 1, report, "work", measure), {"ours": [8], "peer": [None]})
        self.assertEqual(report.wrong, ["peer, work: it did not start"])


class Active(unittest.TestCase):
    def judge(self, *answers):
        """one until 1 s, two from then until 2 s, one again."""
        history = History("one")
        history.swapped("two", 1_000_000, 1_100_000)
        history.swapped("one", 2_000_000, 2_100_000)
        return history.judge(answered(*answer) for answer in answers)

    def test_answers_of_active_models_are_true(self):
        verdict = self.judge((0.5, "one"), (1.05, "one"), (1.05, "two"), (9, "one"))
        self.assertIsNone(verdict.wrong)
        self.assertEqual(verdict.counts, {"one": 3, "two": 1})

    def test_a_model_that_was_not_asked_for_yet_or_never_is_untrue(self):
        self.assertEqual(self.judge((0.9, "two"), (5, "three")).untrue, 2)

    def test_a_batch_may_end_with_the_model_it_began_with_but_not_for_long(self):
        self.assertAlmostEqual(self.judge((1.4, "one")).latest_s, 0.3)
        self.assertIsNone(self.judge((1.4, "one")).wrong)
        self.assertIn("after it was replaced", self.judge((2.2 + SLACK_S, "two")).wrong)


class Answers(unittest.TestCase):
    def wrong(self, keys, value, count, stored, prices=True):
        messages = [Mock(**{"key.return_value": str(key).encode(), "value.return_value": json.dumps(value)})
                    for key in keys]
        return drained.wrong_with(messages, count, stored, prices)

    def test_all_answered_once_and_stored(self):
        self.assertIsNone(self.wrong((0, 1, 2), {"prediction": 1}, 3, 3))
        self.assertIsNone(self.wrong((0, 1, 2), {}, 3, None, prices=False))

    def test_everything_that_is_wrong_is_reported(self):
        found = self.wrong((0, 0, 7), {"error": "no"}, 3, 2)
        self.assertEqual(found, "2 missing, 1 twice, 1 unknown, 3 without a price, 2 stored for 3")


class Bodies(unittest.TestCase):
    def filled(self, text):
        return json.loads(with_ids(text, 999_999_999_999))

    def test_every_row_has_an_id_of_its_own(self):
        self.assertEqual(self.filled(bodies.ours([RECORD])), {"id": 999_999_999_999, **RECORD})
        ids = [record["id"] for record in self.filled(bodies.ours([RECORD] * 3))]
        self.assertEqual(ids, [999_999_999_999, 999_999_999_998, 999_999_999_997])

    def test_the_protocol_has_a_tensor_a_field(self):
        inputs = json.loads(bodies.ours_by_protocol([RECORD]))["inputs"]
        found = {one["name"]: (one["datatype"], one["data"]) for one in inputs}
        self.assertEqual(found["id"], ("BYTES", [SLOT]))
        self.assertEqual(found["floor"], ("INT64", [1]))
        self.assertEqual(found["area"], ("FP64", [71.6]))


class Texts(unittest.TestCase):
    def test_stages_are_per_answer_and_per_batch(self):
        report = Report("test")
        stages.add_rows(report, "ours", "work", METRICS)
        medians = {row["metric"]: row["median"] for row in report.rows}
        self.assertEqual(medians["batch"], 250)
        self.assertEqual(medians["store, wall time"], 2000)
        self.assertEqual(medians["gather, wall time of a batch"], 125)

    def test_rounds_of_quality_are_told_from_other_lines(self):
        text = "DEBUG quality \x1b[3mtook_ms\x1b[0m=12\nINFO other took_ms=7\nDEBUG quality took_ms=345\n"
        self.assertEqual(look.rounds_ms(text), [12, 345])


if __name__ == "__main__":
    unittest.main()
