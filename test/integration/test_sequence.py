#!/usr/bin/env python3
"""Every codec, container and transport: what is recorded is what was served, unit by unit.

Proves for each clip, over all its segments in order and for each track: no access unit is lost,
doubled, changed or reordered from the first key frame to the last that the camera sent before it
closed the connection; each file begins with a key frame at time 0, has strictly increasing dts, is
probed and decoded without complaint; H.265 in mp4 is hvc1; no .part stays. G.711 that is only to be
copied is left out of mp4 with one warning. MJPEG, whose headers RTP makes anew, shows the same
pictures. All of it by our own RTSP over TCP and UDP, and over TCP by libavformat's, which keeps the
last frame to itself.
"""

import harness
from harness import clip, run
from recorded import REORDERED, REORDER_US, check_camera, check_files, check_served, streams

CLIPS = {  # clip: its tracks
    "h265": "va", "h264": "va", "h265b": "v", "h264b": "v", "h264opus": "va",
    "h264pcma": "va", "h265pcmu": "va", "mjpeg": "v",
}
G711 = {"h264pcma": "pcm_alaw", "h265pcmu": "pcm_mulaw"}


def pictures(file):
    """A digest of each decoded picture."""
    result = run("ffmpeg", "-v", "error", "-xerror", "-nostdin", "-i", file, "-map", "0:v",
                 "-fps_mode", "passthrough", "-f", "framemd5", "-")
    assert result.returncode == 0 and not result.stderr, f"{file}: {result.stderr}"
    rows = (row for row in result.stdout.splitlines() if not row.startswith("#"))
    return [row.split(",")[-1].strip() for row in rows]


class Sequence(harness.Case):
    def record(self, extension, transport="tcp", clips=tuple(CLIPS), **settings):
        """Each clip as a camera of its name, over at least one whole segment."""
        self.unfinished = 1 if settings.get("ingest") == "libavformat" else 0
        self.server = harness.Camera(self.folder, clips)
        cameras = [{"name": name, "rtspUrl": self.server.url(f"/{name}"), "transport": transport}
                   for name in clips]
        self.daemon = harness.Daemon(self.folder, cameras, extension=extension, **settings)
        self.daemon.wait_closed(clips, 2)
        self.server.set("*", "answer no", "close 0")
        for name in clips:
            self.daemon.wait_for(self.daemon.of(name, r"Segment closed: .*, lost\)"))
        self.daemon.stop()
        self.assertEqual(self.daemon.parts(), [])

    def check(self, name, tracks):
        start_us = REORDER_US if name in REORDERED else 0
        return check_camera(self.daemon, name, self.server, f"/{name}", None, tracks, start_us,
                            unfinished=self.unfinished)

    def check_mjpeg(self):
        files = self.daemon.segments("mjpeg")
        check_files(files)
        of_clip = pictures(clip("mjpeg"))
        served = self.server.served("/mjpeg")
        for unit in served:
            unit.hash = of_clip[unit.clip_index]
        recorded = [picture for file in files for picture in pictures(file)]
        check_served("mjpeg", served, recorded, None, unfinished=self.unfinished)

    def check_all(self, extension, **settings):
        self.record(extension, **settings)
        for name, tracks in CLIPS.items():
            with self.subTest(name, extension=extension):
                if name == "mjpeg":
                    self.check_mjpeg()
                    continue
                is_left_out = name in G711 and extension == "mp4"
                tracks = "v" if is_left_out else tracks
                self.check(name, tracks)
                kinds = [stream["codec_type"][0]
                         for stream in streams(self.daemon.segments(name)[0])]
                self.assertEqual("".join(kinds), tracks)
                warnings = [line for line in self.daemon.find(self.daemon.of(name, "")) if
                            " WARNING - " in line and "Camera lost: " not in line]
                self.assertEqual(len(warnings), 1 if is_left_out else 0, warnings)
                if is_left_out:
                    self.assertRegex(warnings[0], f"sound is {G711[name]}, which mp4 files cannot "
                                                  "hold: recording without it")

    def test_mp4(self):
        self.check_all("mp4", audio="copy")

    def test_mkv(self):
        self.check_all("mkv")

    def test_udp(self):
        self.check_all("mkv", transport="udp")

    def test_mp4_by_libavformat(self):
        self.check_all("mp4", ingest="libavformat", audio="copy")

    def test_mkv_by_libavformat(self):
        self.check_all("mkv", ingest="libavformat")

    def test_udp_by_libavformat(self):
        self.record("mp4", "udp", ("h265",), ingest="libavformat")
        self.check("h265", "va")


if __name__ == "__main__":
    harness.main()
