#!/usr/bin/env python3
"""Connections that end, break, freeze, or are kept alive.

Proves: each end is noticed, in 5.5 s where nothing says so, and named; the camera is recorded again
within 3 s of its return; a stop takes less than a second all the same; a session is kept alive in
the way that the camera offers, and what was recorded is whole.
"""

import time

import harness
from faulty import BACK_S, LATE_S, READ_S, STOP_S, FaultyCase, say
from losses import realtime
from recorded import check_camera, check_files

NOTICED_S = READ_S + 0.5 * harness.SCALE
ENDS = {  # name: settings, and what has to be said
    "close": (["close=2"], "the camera closed the connection"),
    "reset": (["reset=2"], "the camera closed the connection"),
    "freeze": (["freeze=2"], r"no video for 5\.\d s"),
    "stall": (["stall=2"], r"no video for 5\.\d s"),
    "redirected": (["request=2:REDIRECT"], "the camera ended the session"),
}
SILENT = ("freeze", "stall")


class Ends(FaultyCase):
    def test_ends(self):
        self.serve({name: settings for name, (settings, _) in ENDS.items()})
        with realtime():
            self.record()
        noticed, back = [], []
        for name, (_, text) in ENDS.items():
            with self.subTest(name):
                self.wait_for(name, f"Camera lost: .*{text}.*; next attempt in")
                lost = self.time_of(name, "Camera lost")
                last_us = self.served_since(name, 0)[-1].unix_us
                if name in SILENT:
                    noticed.append(lost - last_us / 1e6)
                    self.assertGreater(noticed[-1], READ_S - LATE_S)
                else:
                    self.assertLess(lost - last_us / 1e6, 0.5 * harness.SCALE)
                self.daemon.wait_recording([name], 2)
                back.append(self.times_of(name, "Starting recording to: ")[1] - lost)
        self.assertLessEqual(say("silence noticed, s", noticed, NOTICED_S), NOTICED_S)
        self.assertLessEqual(say("recorded again, s", back, BACK_S), BACK_S)
        begin = time.monotonic()
        self.daemon.stop()
        self.assertLess(time.monotonic() - begin, STOP_S)
        for name in ENDS:
            check_files(self.daemon.segments(name))

    def test_stop_while_frozen(self):
        """TEARDOWN has nobody to answer it."""
        self.serve({f"freeze{i}": ["freeze=1"] for i in range(5)})
        self.record(readTimeoutSeconds=30)
        self.daemon.wait_recording(self.paths)
        harness.wait_until(lambda: all(len(self.server.served(path)) >= 24
                                       for path in self.paths.values()), "all to freeze")
        last_us = max(self.served_since(name)[-1].unix_us for name in self.paths)
        harness.wait_until(lambda: time.time() > last_us / 1e6 + 0.5, "silence")
        begin = time.monotonic()
        self.daemon.stop()
        self.assertLess(time.monotonic() - begin, STOP_S)
        for name in self.paths:
            check_files(self.daemon.segments(name))


class KeepAlive(FaultyCase):
    CASES = {  # name: settings, the keep-alive
        "parameter": (["timeout=2:close"], "GET_PARAMETER"),
        "options": (["timeout=2:close", "methods=OPTIONS,DESCRIBE,SETUP,PLAY,TEARDOWN"],
                    "OPTIONS"),
        "stops": (["timeout=2:stop"], "GET_PARAMETER"),
        "late": (["timeout=2:close", "delay=GET_PARAMETER:0.5"], "GET_PARAMETER"),
        "unsaid": (["timeout=0"], None),
    }

    def test_sessions_are_kept(self):
        self.serve({name: settings for name, (settings, _) in self.CASES.items()})
        self.record()
        for name, path in self.paths.items():
            harness.wait_until(lambda: len(self.server.served(path)) > 200, f"8 s of {name}")
        stopped_us = self.daemon.stop()
        for name, (_, method) in self.CASES.items():
            with self.subTest(name):
                check_camera(self.daemon, name, self.server, self.paths[name], stopped_us)
                self.assertEqual(self.lines(name, " (WARNING|ERROR) "), [])
                asked = [request for request in self.server.asked(self.paths[name])]
                play = next(i for i, request in enumerate(asked) if request.method == "PLAY")
                kept = [request for request in asked[play + 1:] if request.method != "TEARDOWN"]
                self.assertEqual({request.method for request in kept} - {method}, set())
                self.assertEqual(len(kept) > 0, method is not None)
                self.assertEqual(asked[-1].method, "TEARDOWN")
                if method:
                    times = [asked[play].unix_us] + [request.unix_us for request in kept]
                    steps = [(b - a) / 1e6 for a, b in zip(times, times[1:])]
                    self.assertGreater(min(steps), 0.5)
                    self.assertLess(max(steps), 2)


if __name__ == "__main__":
    harness.main()
