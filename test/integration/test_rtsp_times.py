#!/usr/bin/env python3
"""Cameras whose clocks, RTP times or parameter sets are not what they should be.

Proves: every frame that was served is recorded, once; times in the files increase by what passed,
whatever the camera says; no frame is written before the parameter sets are known; a slow link loses
nothing.
"""

import harness
from faulty import GOOD, FaultyCase
from recorded import FRAME_US, check_camera, check_files

SOUND_LATE_S = 0.8
CLOCKS = {  # name: settings
    "sequence-wraps": ["sequence=65500"], "time-wraps": ["rtp-time=wrap:2"],
    "ntp-forward": ["reports=0.5", "ntp-step=2:3600"],
    "ntp-back": ["reports=0.5", "ntp-step=2:-3600"],
    "skew": ["skew=5000", "reports=0.5"], "skew-back": ["skew=-5000", "reports=0.5"],
    "sound-late": [f"sound-late={SOUND_LATE_S}"], "lies": ["framerate=5"], "burst": ["hold=2:1.5"],
}
BROKEN = {
    "resets": ["rtp-reset=2", "reports=0.5"], "resets-high": ["rtp-reset=2", "rtp-time=4000000000"],
    "jumps": ["jump=2:3600", "reports=0.5"], "jumps-back": ["jump=2:-3600", "reports=0.5"],
}
NEAR_US = 3 * FRAME_US  # what a repaired time may be off


class Clocks(FaultyCase):
    def steps(self, recorded, track):
        """Steps of the times in each file."""
        for rows in recorded:
            times = [row.dts_us for row in rows if row.track == track]
            yield [b - a for a, b in zip(times, times[1:])]

    def check_length(self, recorded):
        """Video and sound of each file last equally long.

        Sound that the camera sends late is still missing where the stop came soon after the cut.
        """
        stopped_after_us = max(row.dts_us for row in recorded[-1])
        whole = recorded[:-1] if stopped_after_us > SOUND_LATE_S * 1_000_000 else recorded[:-2]
        self.assertGreaterEqual(len(whole), 2)
        for rows in whole:
            ends = [max(row.dts_us for row in rows if row.track == track) for track in "va"]
            self.assertLess(abs(ends[0] - ends[1]), 300_000)

    def run_all(self, faults):
        self.serve(faults, clip="h265", clips=("h265",))
        self.record(interval=2)
        harness.wait_until(lambda: len(self.server.served(GOOD)) > 200, "eight seconds of video")
        return self.daemon.stop()

    def test_clocks(self):
        stopped_us = self.run_all(CLOCKS)
        for name, path in self.paths.items():
            with self.subTest(name):
                recorded = check_camera(self.daemon, name, self.server, path, stopped_us, "va",
                                        decode=False)
                self.assertEqual(self.lines(name, "Discontinuity"), [])
                for steps in self.steps(recorded, "v"):
                    self.assertTrue(all(abs(step - FRAME_US) <= 1000 for step in steps), steps)
                self.check_length(recorded)

    def test_broken_times(self):
        stopped_us = self.run_all(BROKEN)
        for name, path in self.paths.items():
            with self.subTest(name):
                recorded = check_camera(self.daemon, name, self.server, path, stopped_us, "va",
                                        decode=False)
                self.assertGreater(len(self.lines(name, "WARNING - Discontinuity")), 0)
                for track in "va":
                    for steps in self.steps(recorded, track):
                        self.assertLess(max(steps, default=0), 2 * NEAR_US)
                self.check_length(recorded)


class ParameterSets(FaultyCase):
    def test_late_and_never(self):
        """Sets come with the key frame of second 3, or not at all."""
        for clip in ("h264v", "h265v"):
            with self.subTest(clip):
                self.serve({f"late-{clip}": ["sprop=no", "in-band=2.5"],
                            f"never-{clip}": ["sprop=no", "in-band=never"],
                            f"sdp-{clip}": ["in-band=never"]}, clip=clip, clips=("h265", clip))
                self.record()
                harness.wait_until(lambda: len(self.server.served(GOOD)) > 150, "six seconds")
                stopped_us = self.daemon.stop()
                self.check(clip, stopped_us)

    def check(self, clip, stopped_us):
        check_camera(self.daemon, f"sdp-{clip}", self.server, f"/{clip}/sdp-{clip}", stopped_us)
        self.assertEqual(self.daemon.segments(f"never-{clip}"), [])
        late = f"late-{clip}"
        recorded = check_files(self.daemon.segments(late))
        served = self.served_since(late)
        first = next(unit for unit in served if unit.hash == recorded[0][0].hash)
        self.assertEqual(first.pts_us, 3_000_000)
        self.assertEqual(len(self.lines(late, "Connecting")), 1)

    def test_slow_link(self):
        """The camera's connection holds back what 400 kbit/s do not carry."""
        self.serve({"slow": ["throttle=400"]}, clip="h264small", clips=("h265", "h264small"))
        self.record(interval=2)
        harness.wait_until(lambda: len(self.server.served(GOOD)) > 250, "ten seconds of video")
        stopped_us = self.daemon.stop()
        check_camera(self.daemon, "slow", self.server, self.paths["slow"], stopped_us)
        self.assertEqual(len(self.lines("slow", "Connecting")), 1)


if __name__ == "__main__":
    harness.main()
