#!/usr/bin/env python3
"""Cameras made of gst-rtsp-server: a dialogue and packets that are not ours.

Proves for H.265 and H.264, with and without sound and behind Digest with a password that URLs must
encode (given encoded in the URL, and as it is in a passwordFile): what is recorded is the clip from
its first frame on, with even times, and decodes. A wrong password is named as such.
"""

import harness
from recorded import FRAME_US, check_files, packets

USER, PASSWORD, ENCODED = "admin", "p@ss:w/rd%1", "p%40ss%3Aw%2Frd%251"


class Foreign(harness.Case):
    def camera(self, clip, *arguments):
        process = harness.Process(harness.program("GSTCAM"), "--port", 0, "--clip",
                                  harness.clip(clip), *arguments)
        process.port = int(process.wait_for(r"listening on 127\.0\.0\.1:(\d+)$").group(1))
        return process

    def record(self, clips, login="", **camera):
        """Each clip as a camera, over at least one whole segment."""
        cameras = []
        for clip in clips:
            arguments = ["--user", USER, "--password", PASSWORD] if login or camera else []
            server = self.camera(clip, *arguments)
            cameras.append({"name": clip, **camera,
                            "rtspUrl": f"rtsp://{login}127.0.0.1:{server.port}/cam"})
        daemon = harness.Daemon(self.folder, cameras)
        daemon.wait_closed(clips, 2)
        daemon.stop()
        for clip in clips:
            with self.subTest(clip):
                self.check(daemon, clip)

    def check(self, daemon, name):
        recorded = check_files(daemon.segments(name))
        of_clip = packets(harness.clip(name))
        for track in "va":
            hashes = [row.hash for row in of_clip if row.track == track]
            got = [row.hash for rows in recorded for row in rows if row.track == track]
            self.assertEqual(bool(hashes), bool(got), track)
            if not hashes:
                continue
            # Sound that comes before the first whole picture is not recorded.
            first = hashes.index(got[0])
            self.assertLessEqual(first, 0 if track == "v" else 5)
            expected = [hashes[(first + i) % len(hashes)] for i in range(len(got))]
            self.assertEqual(got, expected, track)
        for rows in recorded:
            times = [row.pts_us for row in rows if row.track == "v"]
            for a, b in zip(times, times[1:]):
                self.assertLessEqual(abs(b - a - FRAME_US), 1000, times)

    def test_h265_and_h264(self):
        self.record(("h265", "h264", "h265v", "h264v"))

    def test_password_in_the_url(self):
        self.record(("h265", "h264"), login=f"{USER}:{ENCODED}@")

    def test_password_file(self):
        file = self.folder / "camera.password"
        file.write_text(PASSWORD + "\n")
        file.chmod(0o600)
        self.record(("h265", "h264"), username=USER, passwordFile=str(file))

    def test_wrong_password(self):
        server = self.camera("h265", "--user", USER, "--password", PASSWORD)
        daemon = harness.Daemon(self.folder, [{
            "name": "cam", "rtspUrl": f"rtsp://{USER}:wrong@127.0.0.1:{server.port}/cam"}])
        line = daemon.wait_for(daemon.of(
            "cam", r"WARNING - .*401, the camera refused the user.*next attempt in ([\d.]+)"))
        self.assertGreaterEqual(float(line.group(1)), 45)
        daemon.stop()


if __name__ == "__main__":
    harness.main("GSTCAM")
