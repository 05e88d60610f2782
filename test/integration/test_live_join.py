#!/usr/bin/env python3
"""A camera that is joined in the middle of a GOP is recorded from its next key frame on.

Proves: what comes before is not in the file, nothing after it is missing, and the sound begins with
the picture.
"""

import harness
from recorded import check_camera

CLIPS = {"h265gop4": "v", "h265": "va", "h264": "va"}  # clip: its tracks


class LiveJoin(harness.Case):
    def test_live_join(self):
        server = harness.Camera(self.folder, CLIPS, "--set", "*", "start=live")
        daemon = harness.Daemon(
            self.folder, [{"name": name, "rtspUrl": server.url(f"/{name}")} for name in CLIPS],
            interval=3)
        daemon.wait_closed(CLIPS, 2)
        stopped_us = daemon.stop()
        for name, tracks in CLIPS.items():
            with self.subTest(name):
                check_camera(daemon, name, server, f"/{name}", stopped_us, tracks)
        first = server.served("/h265gop4")[0]
        self.assertFalse(first.is_key, "the camera was not joined in the middle of a GOP")


if __name__ == "__main__":
    harness.main()
