#!/usr/bin/env python3
"""Cameras that misbehave, all in one daemon with one that does not.

Proves of each fault: it is noticed in time and named in words, the camera is tried again when it
should be, and what was recorded is whole. The camera beside them loses nothing.
"""

import os
import socket
import time

import harness
from recorded import check_camera, check_files, streams

OPEN_S, READ_S = 3, 2
LATE_S = 0.5 * harness.SCALE
GOOD = "/h265/good"
FAULTS = {  # name: path and settings
    "hang": ("/h265/hang", "answer no"),
    "video-stalls": ("/h265/video-stalls", "stall 2"),
    "all-stalls": ("/h265/all-stalls", "stall all:2"),
    "status-401": ("/h265/401", "status 401"),
    "status-403": ("/h265/403", "status 403"),
    "status-404": ("/h265/404", "status 404"),
    "status-500": ("/h265/500", "status 500"),
    "closes": ("/h265/closes", "close 2"),
    "jumps": ("/h265/jumps", "jump 2:100"),
    "jumps-back": ("/h264/jumps", "jump 2:-100"),
    "switches-h265": ("/h265v/switches", "switch 2:h265small"),
    "switches-h264": ("/h264v/switches", "switch 2:h264small"),
}
CLIPS = ("h265", "h264", "h265v", "h264v", "h265small", "h264small")

# ThreadSanitizer crashes in the thread that glibc's getaddrinfo_a() starts, in any program.
CAN_RESOLVE = "thread" not in os.environ.get("RTSPREC_SANITIZE", "")


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Faults(harness.Case):
    def start(self):
        self.server = harness.Camera(self.folder, CLIPS)
        urls = {"good": self.server.url(GOOD)}
        for name, (path, setting) in FAULTS.items():
            self.server.say(f"set {path} {setting}")
            urls[name] = self.server.url(path)
        urls["refused"] = f"rtsp://127.0.0.1:{closed_port()}/"
        if CAN_RESOLVE:
            urls["no-host"] = "rtsp://no-such-host.invalid/"
        self.daemon = harness.Daemon(
            self.folder, [{"name": name, "rtspUrl": url} for name, url in urls.items()],
            interval=300, openTimeoutSeconds=OPEN_S, readTimeoutSeconds=READ_S)

    def lines(self, name, text):
        return self.daemon.find(self.daemon.of(name, text))

    def wait_for(self, name, text):
        return self.daemon.wait_for(self.daemon.of(name, text))

    def no_answer(self):
        self.wait_for("hang", "WARNING - .*: no answer in time; next attempt in")
        begin = self.daemon.time_of(self.daemon.of("hang", "Connecting"))
        end = self.daemon.time_of(self.daemon.of("hang", "WARNING"))
        self.assertLess(abs(end - begin - OPEN_S), LATE_S)

    def stalls(self):
        for name, sound in (("video-stalls", " although sound goes on"), ("all-stalls", "")):
            self.wait_for(name, rf"Camera lost: no video for 2\.0 s{sound}; next attempt in")
            self.wait_for(name, r"Segment closed: .*, lost\)")
            noticed = self.daemon.time_of(self.daemon.of(name, "Camera lost"))
            served = self.server.served(f"/h265/{name}")
            last = [unit for unit in served if unit.session == served[0].session][-1]
            passed = noticed - last.unix_us / 1e6
            self.assertTrue(READ_S - 0.2 <= passed <= READ_S + LATE_S, f"{name}: {passed} s")

    def refusals(self):
        for name, text in (("status-401", "401, the camera asks for a user name and password"),
                           ("status-403", "403, the camera forbids this user the stream"),
                           ("status-404", "404, the camera knows no such stream"),
                           ("status-500", "500, the camera reports a fault")):
            line = self.wait_for(name, rf"WARNING - .*{text}.*next attempt in ([\d.]+) s")
            if name in ("status-401", "status-403"):
                self.assertGreaterEqual(float(line.group(1)), 45)
        self.wait_for("refused", "connection refused")
        if CAN_RESOLVE:
            self.wait_for("no-host", "WARNING - .*no-such-host.invalid.*next attempt in")

    def losses(self):
        self.wait_for("closes", "Camera lost: receiving: the camera closed the connection; next")
        self.daemon.wait_recording(["closes"], 2)

    def jumps(self):
        # libavformat may take RTP times for unsigned: then 100 s back are 2^32 / 90000 - 100 s on.
        for name, text in (("jumps", r"went 10\d\.\d+ s while 0\.\d+ s"),
                           ("jumps-back", r"went (-99|-100|47621)\.\d+ s while 0\.\d+ s")):
            self.wait_for(name, f"WARNING - Discontinuity: .*track 0 {text}")

    def check_jumps(self, stopped_us):
        for name in ("jumps", "jumps-back"):
            path = FAULTS[name][0]
            for rows in check_camera(self.daemon, name, self.server, path, stopped_us, "va"):
                for track in "va":
                    times = [row.dts_us for row in rows if row.track == track]
                    steps = [b - a for a, b in zip(times, times[1:])]
                    self.assertLess(max(steps), 1_000_000, "the jump stands in the file")

    def check_switches(self, stopped_us):
        for name in ("switches-h265", "switches-h264"):
            check_camera(self.daemon, name, self.server, FAULTS[name][0], stopped_us)
            sizes = [streams(file)[0]["width"] for file in self.daemon.segments(name)]
            closed = self.lines(name, r"Segment closed: .*, parameters\)")
            self.assertEqual((sizes.count(640), len(closed)), (len(sizes) - sizes.count(320), 1))
            self.assertEqual(sizes[-1], 320)

    def test_faults(self):
        self.start()
        for check in (self.no_answer, self.stalls, self.refusals, self.losses, self.jumps):
            with self.subTest(check.__name__):
                check()
        self.daemon.wait_closed(["switches-h265", "switches-h264"])
        harness.wait_until(lambda: len(self.server.served(GOOD)) > 250, "ten seconds of video")
        stopped_us = self.daemon.stop()
        self.assertEqual(self.daemon.parts(), [])
        for name in ("status-401", "status-403"):
            self.assertEqual(len(self.lines(name, "Connecting")), 1, "it was asked again")
        for name in ("hang", "status-404", "status-500", "refused"):
            self.assertGreater(len(self.lines(name, "Connecting")), 1, "it was not asked again")
        with self.subTest("good"):
            check_camera(self.daemon, "good", self.server, GOOD, stopped_us, "va")
            self.assertEqual(self.lines("good", " (WARNING|ERROR) "), [])
        for name in ("closes", "video-stalls", "all-stalls"):
            check_files(self.daemon.segments(name))
        for check in (self.check_jumps, self.check_switches):
            with self.subTest(check.__name__):
                check(stopped_us)

    def test_stop_while_nobody_answers(self):
        server = harness.Camera(self.folder, ("h265",))
        server.say("set /h265/hang answer no")
        cameras = [{"name": name, "rtspUrl": server.url(f"/h265/{name}")}
                   for name in ("hang", "good")]
        daemon = harness.Daemon(self.folder, cameras, interval=1)
        daemon.wait_closed(["good"], 2)
        begin = time.monotonic()
        daemon.stop()
        self.assertLess(time.monotonic() - begin, 1 * harness.SCALE)
        self.assertEqual(daemon.find(daemon.of("hang", "WARNING")), [])


if __name__ == "__main__":
    harness.main()
