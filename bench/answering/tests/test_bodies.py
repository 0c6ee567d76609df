"""Bodies in each server's own words."""

import json
import unittest

from answering import bodies
from peers.served import with_ids

RECORD = {"city": "Tula", "street": "Pskovskaya", "floor": 1, "rooms": 2, "area": 71.6}


class Bodies(unittest.TestCase):
    def filled(self, text):
        """As the load generator does it."""
        return json.loads(text.replace(bodies.SLOT, "100000000007"))

    def test_one_record_is_an_object_and_more_are_an_array(self):
        one = self.filled(bodies.ours([RECORD]))
        self.assertEqual(one, {"id": 100000000007, **RECORD})
        self.assertEqual(self.filled(bodies.ours([RECORD] * 3)), [one] * 3)

    def test_a_first_question_has_an_id_for_every_row(self):
        found = json.loads(with_ids(bodies.ours([RECORD] * 3), 999_999_999_999))
        self.assertEqual(
            [record["id"] for record in found], [999_999_999_999, 999_999_999_998, 999_999_999_997]
        )

    def test_the_protocol_has_a_tensor_a_field(self):
        inputs = self.filled(bodies.ours_by_protocol([RECORD]))["inputs"]
        found = {one["name"]: (one["datatype"], one["data"]) for one in inputs}
        self.assertEqual(found["id"], ("BYTES", ["100000000007"]))
        self.assertEqual(found["city"], ("BYTES", ["Tula"]))
        self.assertEqual(found["floor"], ("INT64", [1]))
        self.assertEqual(found["area"], ("FP64", [71.6]))

    def test_a_tensor_of_numbers_is_flat_and_says_its_shape(self):
        (tensor,) = json.loads(bodies.protocol([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))["inputs"]
        self.assertEqual(tensor["shape"], [3, 2])
        self.assertEqual(tensor["data"], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])


if __name__ == "__main__":
    unittest.main()
