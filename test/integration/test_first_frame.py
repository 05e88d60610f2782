#!/usr/bin/env python3
"""How soon the first key frame is in the file.

Proves for mp4 and mkv, H.264 and H.265, from a stream's beginning and joined in the middle of a
GOP: the first key frame can be read from the open file within fragmentMs + 0.2 s of its arrival.
"""

import time

import harness
from losses import realtime
from recorded import packets

LATE_MS = 200
ROUNDS = harness.amount(2, 10)
WATCHED_S = 10 * harness.SCALE
CAMERAS = [(clip, extension, fragment_ms)
           for clip, extension in (("h265", "mp4"), ("h264", "mkv"))
           for fragment_ms in (100, 500)]


class OpenFile:
    """A file that is being written: what it held, whenever it had grown."""

    def __init__(self, daemon, name):
        self.folder = daemon.output / name
        self.path, self.states = None, []

    def look(self):
        now_us = time.time_ns() // 1000
        if not self.path:
            self.path = next(self.folder.glob("*/*.part"), None)
        size = self.path.stat().st_size if self.path else 0
        if size and (not self.states or size != len(self.states[-1][1])):
            self.states.append((now_us, self.path.read_bytes()))
        # The file holds half a second by then.
        return len(self.states) > 1 and now_us - self.states[0][0] > 1_500_000

    def first_with(self, unit, copy):
        """When the unit could be read, and be told to be whole, µs since 1970."""
        for when_us, data in self.states:
            copy.write_bytes(data)
            try:
                rows = packets(copy)
            except AssertionError:  # not even a header yet
                continue
            if any(row.hash == unit.hash for row in rows):
                return when_us
        raise AssertionError(f"{self.path}: not in {len(self.states)} states")


class FirstFrame(harness.Case):
    def measure(self, number, start):
        folder = self.folder / str(number)
        folder.mkdir()
        cameras = [f"{clip}-{extension}-{ms}" for clip, extension, ms in CAMERAS]
        paths = [f"/{clip}/{name}" for name, (clip, _, _) in zip(cameras, CAMERAS)]
        with realtime():
            server = harness.Camera(folder, ("h264", "h265"), "--set", "*", f"start={start}")
            daemon = harness.Daemon(
                folder, [{"name": name, "rtspUrl": server.url(path),
                          "recording": {"videoFileExtension": extension, "fragmentMs": ms}}
                         for name, path, (_, extension, ms) in zip(cameras, paths, CAMERAS)],
                interval=60)
            files = [OpenFile(daemon, name) for name in cameras]
            harness.wait_until(lambda: all([file.look() for file in files]), "the first frames",
                               WATCHED_S)
        daemon.stop()
        for name, path, file, (_, extension, ms) in zip(cameras, paths, files, CAMERAS):
            key = next(unit for unit in server.served(path) if unit.is_key)
            readable_us = file.first_with(key, folder / f"copy.{extension}")
            late_ms = (readable_us - key.unix_us) / 1000 - ms
            print(f"measured: {name}, start {start}: {ms} ms {late_ms:+.0f} ms")
            self.late.setdefault(name, []).append(late_ms)

    def test_first_frame(self):
        self.late = {}
        for number in range(ROUNDS):
            self.measure(number, "live" if number % 2 else "0")
        for name, late in self.late.items():
            self.assertLessEqual(max(late), LATE_MS * harness.SCALE, name)


if __name__ == "__main__":
    harness.main()
