"""Which rows the peers see, and how all of them are judged."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import pandas as pd

from judging import frame, measures

# Without a key; a cell goes over two lines.
DATA = 'town,rooms,seen,price\n"Long\nAcre",2,2024-01-01,100\nTula,3,2024-01-02,200\n\nTula,3,2024-01-09,200\n'
SCHEMA = """target = "price"
time = "seen"
[[field]]
name = "town"
kind = "category"
[[field]]
name = "rooms"
kind = "integer"
[[field]]
name = "seen"
kind = "timestamp"
[[field]]
name = "price"
kind = "number"
"""
SIDES = "line,side\n2,train\n4,train\n6,test\n"


class Frames(unittest.TestCase):
    def read(self, data):
        with tempfile.TemporaryDirectory() as directory:
            files = [Path(directory) / name for name in ("data.csv", "schema.toml", "sides.csv")]
            for file, text in zip(files, (data, SCHEMA, SIDES), strict=True):
                file.write_bytes(text.encode())
            return frame.read(*files)

    def test_a_set_needs_no_key_and_lines_may_end_in_cr_lf(self):
        for data in (DATA, DATA.replace("\n", "\r\n")):
            table = self.read(data)
            self.assertEqual(table.truth.tolist(), [100, 200, 200])
            self.assertEqual((table.learn.tolist(), table.judge.tolist()), ([0, 1], [2]))
            self.assertEqual(list(table.features), ["town", "rooms", "seen"])

    def test_a_row_is_a_copy_if_only_its_time_differs(self):
        self.assertEqual(self.read(DATA).copied.tolist(), [True])
        self.assertEqual(self.read(DATA.replace("09,200", "09,201")).copied.tolist(), [False])
        self.assertEqual(self.read(DATA.replace("3,2024-01-09", "4,2024-01-09")).copied.tolist(), [False])


class Measures(unittest.TestCase):
    def test_copies_are_judged_apart(self):
        table = frame.Table(pd.DataFrame(), [], np.array([100.0, 200.0]), False, np.array([]), np.array([0, 1]),
                            np.array([False, True]))
        found = measures.of(table, np.log([110.0, 200.0]))
        self.assertAlmostEqual(found["RMSLE, no copies"], np.log(111 / 101))
        self.assertAlmostEqual(found["RMSLE"], np.log(111 / 101) / np.sqrt(2))

    def test_the_worst_tenth_and_segment_have_rows_enough(self):
        rows = pd.DataFrame({"town": ["a"] * 1000 + ["b"] * 900 + ["c"] * 100, "tenth": np.arange(2000) // 200,
                             "covered": [True] * 900 + [False] * 100 + [True] * 900 + [False] * 100})
        found = measures.coverage([rows[:700], rows[700:]], 0.9)
        self.assertEqual(found["coverage"], 90)
        # All of c is outside, but its rows are few.
        self.assertEqual(found["worst segment"], 100)
        self.assertEqual(found["worst tenth"], 50)
        self.assertNotIn("worst segment", measures.coverage([rows[:150]], 0.9))

    def test_a_mean_of_ratios_has_an_interval(self):
        mean, low, high = measures.mean_ratio([0.9, 1.0, 1 / 0.9])
        self.assertAlmostEqual(mean, 1)
        self.assertAlmostEqual(low * high, 1)
        # Student's t of two degrees of freedom.
        self.assertAlmostEqual(np.log(high), 4.3027 * -np.log(0.9) / np.sqrt(3), places=4)


if __name__ == "__main__":
    unittest.main()
