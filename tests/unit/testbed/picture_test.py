#!/usr/bin/python3
"""The demo's picture: well-formed, complete, and nothing in it that is elsewhere."""
import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../../testbed"))
from bed import picture  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
COUNTS = {"to the peer": [10, 0, 0, 20], "from the peer": [10, 10, 5, 10]}
EVENTS = [{"at_ms": 500.0, "what": "before"}, {"at_ms": 1000.0, "what": "gw1 is <off> & \"gone\""}, {"at_ms": 2900.0, "what": "gw2 owns"},
          {"at_ms": 9000.0, "what": "behind"}]


def drawn(title="a <title>", packets=COUNTS, events=EVENTS):
    """The picture's text; it begins at 900 ms and has bins of 500 ms."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "picture.svg")
        picture.draw(title, {"bin_ms": 500, "begin_ms": 900.0, "packets": packets}, events, path)
        with open(path, encoding="utf-8") as file:
            return file.read()


def texts(svg):
    return [element.text for element in xml.etree.ElementTree.fromstring(svg).iter(SVG + "text")]


class Picture(unittest.TestCase):
    def test_has_its_title_the_events_of_its_time_and_no_others(self):
        self.assertIn("a <title>", texts(drawn()))
        told = [event["what"] for event in EVENTS if event["what"] in texts(drawn())]
        self.assertEqual(told, ["gw1 is <off> & \"gone\"", "gw2 owns"])

    def test_has_every_series_with_a_point_for_every_bin(self):
        lines = [line.get("points").split() for line in xml.etree.ElementTree.fromstring(drawn()).iter(SVG + "polyline")]
        self.assertEqual([len(line) for line in lines], [4, 4])
        for direction in COUNTS:
            self.assertIn(f"packets/s {direction}", texts(drawn()))

    def test_draws_more_packets_higher_and_later_ones_further_right(self):
        (line, _) = xml.etree.ElementTree.fromstring(drawn()).iter(SVG + "polyline")
        x, y = zip(*(map(float, point.split(",")) for point in line.get("points").split()))
        self.assertEqual(list(x), sorted(x))
        self.assertLess(y[3], y[0])  # y grows downwards
        self.assertLess(y[0], y[1])
        self.assertEqual(y[1], y[2])

    def test_needs_nothing_else(self):
        self.assertEqual(re.findall(r"href|src=|url\(|@import|<script|<image|<!DOCTYPE|<\?", drawn()), [])
        self.assertEqual(re.findall(r"\w+://[^\"]*", drawn()), ["http://www.w3.org/2000/svg"])  # the name of its language

    def test_can_be_drawn_of_silence(self):
        self.assertEqual(len(re.findall("<polyline", drawn(packets={key: [0, 0] for key in COUNTS}, events=[]))), 2)


class Traffic(unittest.TestCase):
    def test_counts_packets_by_time_and_direction(self):
        esp = [(999, True), (1000, True), (1500, False), (1_000_999, True), (1_001_000, False), (3_001_000, True)]
        self.assertEqual(picture.traffic(esp, 1000, 3_001_000, 1, 500),
                         {"bin_ms": 1, "begin_ms": 0.0005, "packets": {"to the peer": [1, 1, 0], "from the peer": [2, 0, 0]}})


if __name__ == "__main__":
    unittest.main()
