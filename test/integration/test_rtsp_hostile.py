#!/usr/bin/env python3
"""Cameras that answer without end, without sense or not at all, beside one that does neither.

Proves: no attempt lasts longer than openTimeoutSeconds and 0.1 s, each is named in words and tried
again; memory grows by less than 32 MB; a stop in the midst of it takes less than a second; once a
camera answers as it should, it is recorded within 3 s; the good one loses nothing.
"""

import os
import time

import harness
from faulty import (BACK_S, GOOD, GROWTH_KB, LATE_S, OPEN_S, STOP_S, FaultyCase, memory_kb, say)
from losses import realtime
from recorded import check_camera

LATE = "no answer in time"
TOO_LARGE = "larger than"
SENSELESS = "neither RTSP nor RTP"
NO_NUMBER = "Content-Length that is no number"
ANSWERS = {  # name: settings, and what has to be said
    "silent": (["answer=no"], LATE),
    "late": (["delay=DESCRIBE:60"], LATE),
    "drips": (["drip=50"], LATE),
    "frames": (["flood=frames"], LATE),
    "length-missing": (["content-length=+100"], LATE),
    "headers": (["flood=headers"], TOO_LARGE),
    "line": (["flood=line"], TOO_LARGE),
    "setup-headers": (["flood=SETUP:headers"], TOO_LARGE),
    "body": (["flood=body"], TOO_LARGE),
    "giant-sdp": (["sdp-bytes=400000000"], TOO_LARGE),
    "junk": (["flood=junk"], SENSELESS),
    "options-junk": (["flood=OPTIONS:junk"], SENSELESS),
    "play-junk": (["flood=PLAY:junk"], SENSELESS),
    "length-negative": (["content-length=is:-1"], NO_NUMBER),
    "length-giant": (["content-length=is:99999999999999999999"], NO_NUMBER),
    "length-text": (["content-length=is:many"], NO_NUMBER),
    "no-transport": (["transports=multicast"], "461, the camera does not offer this transport"),
    "no-setup": (["methods=OPTIONS,DESCRIBE"], "501, the camera reports a fault"),
}


class Hostile(FaultyCase):
    def start(self):
        self.serve({name: settings for name, (settings, _) in ANSWERS.items()})
        with realtime():
            self.record()
        self.daemon.wait_recording(["good"])
        self.memory_kb = memory_kb(self.daemon.pid)

    def test_attempts_end(self):
        self.start()
        took = []
        for name, (_, text) in ANSWERS.items():
            with self.subTest(name):
                self.wait_for(name, f"WARNING - .*{text}.*; next attempt in")
                took.append(self.attempt_s(name))
                if text == LATE:
                    self.assertGreater(took[-1], OPEN_S - LATE_S)
        self.assertLessEqual(say("an attempt, s", took, OPEN_S + LATE_S), OPEN_S + LATE_S)
        for name in ANSWERS:
            self.wait_for(name, "Connecting", 3)
        growth_kb = memory_kb(self.daemon.pid, "VmHWM") - self.memory_kb
        say("memory growth, MB", [growth_kb / 1024], GROWTH_KB / 1024)
        if not os.environ.get("RTSPREC_SANITIZE"):
            self.assertLess(growth_kb, GROWTH_KB)

        begin = time.monotonic()
        stopped_us = self.daemon.stop()
        self.assertLess(time.monotonic() - begin, STOP_S)
        check_camera(self.daemon, "good", self.server, GOOD, stopped_us, "va")
        self.assertEqual(self.lines("good", " (WARNING|ERROR) "), [])
        for name in ANSWERS:
            self.assertEqual(self.daemon.segments(name), [], name)

    def mend(self, since):
        """Mends the cameras that have failed by now; returns whether all have."""
        for name in ANSWERS:
            if name not in since and self.lines(name, "next attempt in"):
                since[name] = time.time()
                self.server.set(self.paths[name], *(word.partition("=")[0] + " off"
                                                    for word in ANSWERS[name][0]))
        return len(since) == len(ANSWERS)

    def test_return(self):
        """An attempt that is under way when the camera is mended may last until its deadline."""
        self.start()
        since = {}
        harness.wait_until(lambda: self.mend(since), "a failure of each")
        back = []
        for name in ANSWERS:
            self.wait_for(name, "Starting recording to: ")
            begun = self.time_of(name, "Starting recording to: ")
            failures = self.times_of(name, "next attempt in")
            back.append(begun - max(since[name], failures[-1]))
        self.assertLessEqual(say("recorded again, s", back, BACK_S), BACK_S)
        self.daemon.stop()


class Frames(FaultyCase):
    """Random packets on the channel of the video: what looks like RTP may be taken for it."""

    def test_frames(self):
        self.serve({"frames": ["flood=PLAY:frames"]})
        self.record()
        self.daemon.wait_recording(["good"])
        before_kb = memory_kb(self.daemon.pid)
        harness.wait_until(lambda: len(self.server.served(GOOD)) > 200, "eight seconds of video")
        if not os.environ.get("RTSPREC_SANITIZE"):
            self.assertLess(memory_kb(self.daemon.pid, "VmHWM") - before_kb, GROWTH_KB)
        begin = time.monotonic()
        stopped_us = self.daemon.stop()
        self.assertLess(time.monotonic() - begin, STOP_S)
        check_camera(self.daemon, "good", self.server, GOOD, stopped_us, "va")


if __name__ == "__main__":
    harness.main()
