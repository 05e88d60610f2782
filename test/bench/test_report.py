#!/usr/bin/env python3
"""What cost.py makes of what it has measured."""

import unittest

import cost_report as report


def result(seconds, frames=100, dropped=0):
    """100 frames of 10 MB that the cameras have for a recorder, after 100 more."""
    return {"cpu_seconds": seconds, "bytes": frames * 10**7,
            "frames": frames, "expected_frames": 100,
            "whole_cpu_seconds": 2 * seconds, "whole_bytes": 2 * frames * 10**7,
            "whole_frames": 2 * frames, "whole_dropped": dropped,
            "frames_sent": 2 * frames, "frames_lost": dropped}


class Report(unittest.TestCase):
    def test_who_keeps_up(self):
        self.assertTrue(report.keeps_up(result(1)))
        self.assertFalse(report.keeps_up(result(1, frames=94)))
        self.assertFalse(report.keeps_up(result(1, dropped=1)))
        self.assertFalse(report.keeps_up(result(1, frames=0)))
        self.assertFalse(report.keeps_up({"failure": "it has ended"}))

    def test_ratios(self):
        whole = "whole_cpu_seconds"
        self.assertEqual(report.ratio(result(1), result(4)), "0.25")
        self.assertEqual(report.ratio(result(1), result(4), whole), "0.25")
        self.assertEqual(report.ratio(result(1), None), "-")
        self.assertEqual(report.ratio(result(1), {"failure": "it has ended"}), "-")

    def test_ratios_to_one_that_does_not_keep_up(self):
        """It spent 4 s for half of the frames: for all of them it would have spent 4 s or more."""
        late = result(4, frames=50, dropped=100)
        self.assertEqual(report.ratio(result(1), late), "≤ 0.25")
        self.assertEqual(report.ratio(result(1), late, "whole_cpu_seconds"), "≤ 0.25")
        at_the_start = result(4, dropped=50)
        self.assertEqual(report.ratio(result(1), at_the_start), "≤ 0.25")
        self.assertEqual(report.ratio(result(1), at_the_start, "whole_cpu_seconds"), "≤ 0.31")

    def test_median(self):
        """Of those who keep up; else of those who have recorded; else there is none."""
        failed, late, later = {"failure": "it has ended"}, result(5, 90), result(6, 80)
        good = [result(seconds) for seconds in (3, 1, 2)]
        self.assertIs(report.median([failed, late] + good), good[2])
        self.assertIs(report.median([failed, late, later]), later)
        self.assertIs(report.median([failed]), failed)


if __name__ == "__main__":
    unittest.main()
