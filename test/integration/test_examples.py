#!/usr/bin/env python3
"""The library's examples, as they are built, record the simulated camera into playable files."""

import signal

import harness
from recorded import check_files


class Examples(harness.Case):
    def check(self, camera):
        files = sorted((self.folder / "out" / camera).glob("*/*"))
        self.assertTrue(files, f"{camera} left nothing")
        self.assertTrue(all(file.suffix == ".mp4" for file in files), files)
        check_files(files)

    def test_record_one(self):
        server = harness.Camera(self.folder, ("h265",), "--user", "admin", "--password", "s3cret")
        example = harness.Process(harness.program("RECORD_ONE"),
                                  server.url("/h265", "admin:s3cret@"), self.folder / "out",
                                  int(3 * harness.SCALE))
        self.assertEqual(example.wait(), 0, example.tail())
        self.assertNotIn("s3cret", "\n".join(example.out + example.err))
        self.check("camera")

    def test_record_one_explains_itself(self):
        result = harness.run(harness.program("RECORD_ONE"))
        self.assertEqual(result.returncode, 64)
        self.assertIn("usage: record_one", result.stderr)

    def test_record_many(self):
        server = harness.Camera(self.folder, ("h265", "h264"))
        example = harness.Process(harness.program("RECORD_MANY"), self.folder / "out",
                                  server.url("/h265"), server.url("/h264"))
        for camera in ("camera-1", "camera-2"):
            example.wait_for(f"^{camera}: recording$")
        harness.wait_until(lambda: len(server.served("/h264")) > 50 < len(server.served("/h265")),
                           "two seconds of video")
        example.send(signal.SIGTERM)
        self.assertEqual(example.wait(), 0, example.tail())
        for camera in ("camera-1", "camera-2"):
            self.assertTrue(example.find(f"^{camera}: .*{camera}/.*\\.mp4, .* s, .* bytes, stopped"))
            self.check(camera)


if __name__ == "__main__":
    harness.main()
