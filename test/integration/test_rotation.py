#!/usr/bin/env python3
"""20 cameras, more than 100 rotations: nothing is lost, doubled or reordered at a cut.

Proves against what was served: every access unit of picture and sound is in exactly one file, in
order; each file begins with a key frame at 0; a file's name and the time at which its first frame
was served agree within 1 s; all but a camera's first file begin at the first key frame at or after
a multiple of the interval.
"""

import time

import harness
from recorded import FRAME_US, check_camera

CAMERAS = [f"{codec}-{number}" for codec in ("h265", "h264") for number in range(10)]
INTERVAL_S = 2
GOP_US = 1_000_000
SEGMENTS = 7  # per camera: one cut is none, 20 * 6 are


def time_of_name(file):
    """Seconds since 1970 that a file's directory and name say."""
    text = f"{file.parent.name} {file.stem.partition('-')[0]}"
    return time.mktime(time.strptime(text, "%Y-%m-%d %H_%M_%S"))


class Rotation(harness.Case):
    def path(self, name):
        return "/" + name.replace("-", "/")

    def check_times(self, name, files, recorded):
        """A frame's true time is that of the camera's clock: jitter is not the recorder's."""
        served = self.server.served(self.path(name))
        start_us = min(unit.unix_us - unit.pts_us for unit in served)
        at = next(i for i, unit in enumerate(served) if unit.is_key)
        for index, (file, rows) in enumerate(zip(files, recorded)):
            unit = served[at]
            at += sum(row.track == "v" for row in rows)
            true_us = start_us + unit.pts_us
            name_us = time_of_name(file) * 1e6
            self.assertLess(abs(true_us - name_us), 1e6 + FRAME_US, file)
            if index == 0:
                continue
            # With a key frame each second, the first at or after a boundary is less than one later;
            # one that stands at a full second may be on either side.
            beyond_s = time_of_name(file) % INTERVAL_S
            if true_us % 1_000_000 > 2 * FRAME_US * harness.SCALE:
                self.assertEqual(beyond_s, 0, f"{file}: not the first key frame of its interval")
            self.assertLessEqual(beyond_s, 1, file)
            self.assertEqual(unit.pts_us % GOP_US, 0)

    def test_rotation(self):
        self.server = harness.Camera(self.folder, ("h265", "h264"))
        daemon = harness.Daemon(
            self.folder, [{"name": name, "rtspUrl": self.server.url(self.path(name))}
                          for name in CAMERAS], interval=INTERVAL_S)
        daemon.wait_closed(CAMERAS, SEGMENTS)
        stopped_us = daemon.stop()
        self.assertEqual(daemon.parts(), [])
        self.assertGreaterEqual(len(daemon.find(r"Segment closed: .*, rotated\)")), 100)
        self.assertEqual(daemon.find(" (WARNING|ERROR) "), [])
        for name in CAMERAS:
            with self.subTest(name):
                recorded = check_camera(daemon, name, self.server, self.path(name), stopped_us,
                                        "va", decode=False)
                self.check_times(name, daemon.segments(name), recorded)


if __name__ == "__main__":
    harness.main()
