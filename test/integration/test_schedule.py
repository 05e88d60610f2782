#!/usr/bin/env python3
"""Cameras are recorded when their schedule says so: from the first key frame on, to the last frame.

The daemon runs on a clock of its own that is ahead of or behind the real one, and is started seconds
before something changes: a period, a day, summer time. Proves against what was served that
recording begins with the first key frame at or after the change and ends with the last frame before
it, that the log tells it within a second, that a camera is connected when it should be and only
then, and that the clock may be set.
"""

import calendar
import os
import time

import harness
from recorded import ON_THE_WAY_US, check_file, check_files, check_served, packets, streams

AHEAD_S = 10  # how long before a period a camera is connected
PROMPT_S = 1 * harness.SCALE


def utc(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M"))


class Schedule(harness.Case):
    def launch(self, change, lead_s, modes, zone, kept=()):
        """Starts the daemon so long before an instant of its clock, s since 1970."""
        self.server = harness.Camera(self.folder, ("h265", "h265v", "h265small"))
        self.server.set("/h265v/switches", "switch 2:h265small")
        self.offset_s = round(change - lead_s - time.time())
        self.change_us = (change - self.offset_s) * 1_000_000
        self.clock = harness.OwnClock(self.folder, self.offset_s)
        self.daemon = harness.Daemon(
            self.folder,
            [{"name": name, "rtspUrl": self.server.url(self.path(name)),
              "recording": {"mode": mode, "keepConnected": name in kept}}
             for name, mode in modes.items()], interval=3600, timeZone=zone,
            # Another zone than the configuration's.
            env={"TZ": "America/New_York", **self.clock.env})

    @staticmethod
    def path(name):
        return f"/h265v/{name}" if name == "switches" else f"/h265/{name}"

    def pass_change(self, seconds):
        """Returns so long after the change."""
        time.sleep(max(0, self.change_us / 1e6 + seconds * harness.SCALE - time.time()))

    def asked(self, name, method):
        """When a camera was asked so, µs from the change on."""
        return [request.unix_us - self.change_us for request in self.server.asked(self.path(name))
                if request.method == method]

    def check_told(self, name, text):
        told_s = self.daemon.time_of(self.daemon.of(name, text)) - self.change_us / 1e6
        self.assertTrue(0 <= told_s < PROMPT_S, f"{name}: {text} was told after {told_s:.3f} s")

    def unit_of(self, name, row):
        """Where in what was served around the change a recorded packet is."""
        served = self.server.served(self.path(name))
        near = [index for index, unit in enumerate(served) if unit.hash == row.hash
                and abs(unit.unix_us - self.change_us) < 5_000_000 * harness.SCALE]
        self.assertEqual(len(near), 1, f"{name}: {row.hash}")
        return served, near[0]

    def check_starts(self, name, when):
        """when: of the change, as in a file's name"""
        files = self.daemon.segments(name)
        self.assertEqual(len(files), 1, name)
        self.assertRegex(str(files[0]), rf"/{when}_0[01]\.mp4$")
        rows = [row for row in check_file(files[0]) if row.track == "v"]
        served, at = self.unit_of(name, rows[0])
        self.assertTrue(served[at].is_key, name)
        after_us = served[at].unix_us - self.change_us
        self.assertGreater(after_us, -ON_THE_WAY_US, name)
        # The first there is.
        missed = [unit for unit in served[:at] if unit.is_key and unit.session == served[at].session
                  and unit.unix_us > self.change_us + ON_THE_WAY_US]
        self.assertEqual(missed, [], f"{name} begins {after_us} us after the change")
        self.assertLess(after_us, 1_000_000 + ON_THE_WAY_US, name)
        self.assertEqual([unit.hash for unit in served[at:at + len(rows)]],
                         [row.hash for row in rows], name)
        self.check_told(name, "Recording by schedule until ")
        self.assertEqual(len(self.asked(name, "PLAY")), 1, name)

    def check_stops(self, name, when):
        """when: just before the change, as in a file's name"""
        files = self.daemon.segments(name)
        self.assertEqual(len(files), 1, name)
        self.assertRegex(str(files[0]), rf"/{when}_[45]\d\.mp4$")
        rows = [row for row in check_file(files[0]) if row.track == "v"]
        served, at = self.unit_of(name, rows[-1])
        self.assertLess(served[at].unix_us, self.change_us + ON_THE_WAY_US, name)
        missed = [unit for unit in served[at + 1:] if unit.unix_us < self.change_us - ON_THE_WAY_US]
        self.assertEqual(missed, [], name)
        self.check_told(name, "Not recorded until ")
        self.check_told(name, r"Segment closed: .*, paused\)")

    def check_goes_on(self, name, stopped_us, files):
        # By the real clock, which knows which hour was first.
        recorded = check_files(sorted(self.daemon.segments(name), key=os.path.getmtime))
        hashes = [row.hash for rows in recorded for row in rows if row.track == "v"]
        check_served(name, self.server.served(f"/h265/{name}"), hashes, stopped_us)
        self.assertEqual(len(recorded), files)
        self.assertEqual(self.daemon.find(self.daemon.of(name, "paused")), [])

    def check_clean(self):
        self.assertEqual(self.daemon.parts(), [])
        self.assertEqual(self.daemon.find(" (WARNING|ERROR) "), [])

    def test_periods(self):
        self.launch(utc("2026-11-23 08:00"), AHEAD_S + 4,
                    {"starts": "period:08-20", "stops": "period:07:00-08:00",
                     "starts-kept": "period:mon 8-9", "stops-kept": "period:22-08",
                     "later": "period:tue-sun 00-24,mon 09-24", "always": "always",
                     "never": "never"},
                    "UTC", kept=("starts-kept", "stops-kept", "never"))
        self.pass_change(3)
        stopped_us = self.daemon.stop()
        self.check_clean()
        for name in ("starts", "starts-kept"):
            self.check_starts(name, "2026-11-23/08_00")
        for name in ("stops", "stops-kept"):
            self.check_stops(name, "2026-11-23/07_59")
        self.check_goes_on("always", stopped_us, 2)

        # Connected some seconds ahead, and not before.
        ahead_us = self.asked("starts", "PLAY")[0]
        self.assertTrue(-AHEAD_S * 1e6 - ON_THE_WAY_US < ahead_us < (PROMPT_S - AHEAD_S) * 1e6,
                        ahead_us)
        self.assertGreater(self.server.asked("/h265/starts")[0].unix_us - self.change_us,
                           -AHEAD_S * 1e6 - ON_THE_WAY_US)
        # Disconnected at the end, but for what is kept.
        left_us = self.asked("stops", "TEARDOWN")[0]
        self.assertTrue(0 < left_us < (PROMPT_S + 0.5) * 1e6, left_us)
        self.assertLess(self.asked("starts-kept", "PLAY")[0], (2 - AHEAD_S - 4) * 1e6)
        self.assertGreater(self.asked("stops-kept", "TEARDOWN")[0], 2e6)
        for name in ("later", "never"):
            self.assertEqual(self.server.asked(f"/h265/{name}"), [])
            self.assertEqual(self.daemon.segments(name), [])
        for name, text in (("starts", "Not recorded until Mon 2026-11-23 08:00"),
                           ("starts", "Recording by schedule until Mon 2026-11-23 20:00"),
                           ("stops", "Recording by schedule until Mon 2026-11-23 08:00"),
                           ("stops", "Not recorded until Tue 2026-11-24 07:00"),
                           ("later", "Not recorded until Mon 2026-11-23 09:00"),
                           ("never", 'Not recorded: its mode is "never"')):
            self.assertEqual(len(self.daemon.find(self.daemon.of(name, text))), 1, f"{name} {text}")

    def test_midnight(self):
        self.launch(utc("2026-11-22 23:00"), 4,
                    {"goes-on": "period:sun 22-06", "starts": "period:mon 00-24",
                     "stops": "period:sun 00-24", "stops-at-24": "period:22-24",
                     "starts-at-0": "period:0-1,23:30-23:31"}, "Europe/Berlin")
        self.pass_change(3)
        stopped_us = self.daemon.stop()
        self.check_clean()
        self.check_goes_on("goes-on", stopped_us, 2)
        for name in ("starts", "starts-at-0"):
            self.check_starts(name, "2026-11-23/00_00")
        for name in ("stops", "stops-at-24"):
            self.check_stops(name, "2026-11-22/23_59")

    def test_hour_that_comes_twice(self):
        self.launch(utc("2026-10-25 01:00"), 4,
                    {"goes-on": "period:02-03", "waits": "period:03-04",
                     "stops": "period:02:30-03:00", "starts": "period:02-02:30"}, "Europe/Berlin")
        self.pass_change(3)
        stopped_us = self.daemon.stop()
        self.check_clean()
        self.check_goes_on("goes-on", stopped_us, 2)
        self.assertEqual(self.server.asked("/h265/waits"), [])
        self.check_starts("starts", "2026-10-25/02_00")
        self.check_stops("stops", "2026-10-25/02_59")

    def test_hour_that_is_left_out(self):
        self.launch(utc("2027-03-28 01:00"), 4,
                    {"has-none": "period:02-03", "stops": "period:01-02",
                     "stops-too": "period:01-02:30", "starts": "period:03-04",
                     "starts-too": "period:02:30-03:30"}, "Europe/Berlin")
        self.pass_change(3)
        self.daemon.stop()
        self.check_clean()
        self.assertEqual(self.server.asked("/h265/has-none"), [])
        for name in ("starts", "starts-too"):
            self.check_starts(name, "2027-03-28/03_00")
        for name in ("stops", "stops-too"):
            self.check_stops(name, "2027-03-28/01_59")

    def test_what_happens_in_standby(self):
        """The camera changes its picture, or is lost: what is recorded then is as good as ever."""
        self.launch(utc("2026-11-23 08:00"), 8,
                    {"switches": "period:08-20", "lost": "period:08-20"}, "UTC",
                    kept=("switches", "lost"))
        self.daemon.wait_for(self.daemon.of("lost", "not recorded for now"))
        time.sleep(0.5)
        self.server.say("kick /h265/lost")
        self.daemon.wait_for(self.daemon.of("lost", "Camera lost: "))
        self.daemon.wait_for(self.daemon.of("lost", "not recorded for now"), 2)
        self.pass_change(3)
        self.daemon.stop()
        sizes = []
        for name in ("switches", "lost"):
            file, = self.daemon.segments(name)
            self.assertRegex(str(file), r"/2026-11-23/08_00_0[01]\.mp4$")
            self.assertGreater(len(check_file(file)), 40)
            sizes += [stream["width"] for stream in streams(file) if "width" in stream]
        self.assertEqual(sizes, [320, 640])
        self.assertEqual(len(self.asked("switches", "PLAY")), 1)
        self.assertEqual(len(self.asked("lost", "PLAY")), 2)
        self.assertLess(max(self.asked("lost", "PLAY")), 0)
        self.assertEqual(self.daemon.find("Writing failed|ERROR"), [])

    def test_clock_is_set(self):
        """By an hour, into a period and out of it, forth and back."""
        self.launch(utc("2026-11-23 08:00"), 1800,
                    {"kept": "period:08-09", "cam": "period:08-09"}, "UTC", kept=("kept",))
        self.daemon.wait_for(self.daemon.of("kept", "Video arrives and is not recorded"))
        for count, (forth, back) in enumerate(((1, 0), (1, 2)), 1):
            set_s = time.time()
            self.clock.set(self.offset_s + forth * 3600)
            for name in ("kept", "cam"):
                self.daemon.wait_for(self.daemon.of(name, "Recording by schedule until"), count)
                self.assertLess(time.time() - set_s, 2 * PROMPT_S)
            self.daemon.wait_recording(("kept", "cam"), count)
            time.sleep(1)
            set_s = time.time()
            self.clock.set(self.offset_s + back * 3600)
            for name in ("kept", "cam"):
                self.daemon.wait_for(self.daemon.of(name, r"Segment closed: .*, paused\)"), count)
                self.assertLess(time.time() - set_s, 2 * PROMPT_S)
        self.daemon.stop()
        self.assertEqual(len(self.asked("kept", "PLAY")), 1)
        self.assertEqual(len(self.asked("cam", "PLAY")), 2)
        for name in ("kept", "cam"):
            self.assertEqual(len(self.daemon.find(self.daemon.of(name, r", paused\)"))), 2)
            # A key frame may come before the step is noticed, and begins a file of the new hour.
            files = self.daemon.segments(name)
            self.assertIn(len(files), (2, 3, 4))
            for file in files:
                self.assertTrue(packets(file)[0].is_key)


if __name__ == "__main__":
    harness.main("OWN_CLOCK")
