#!/usr/bin/env python3
"""Closed files in other people's programs.

Proves for mp4 with H.264, H.265, sound and B-frames, and for mkv: the decoded frames are the same
before (a copy of the open file) and after sealing; ffprobe finds nothing wrong; mediainfo reports
codec, duration and number of frames; mpv, ffplay and VLC play and seek; Firefox plays and seeks
H.265 and H.264, Chromium H.264, over HTTP. A player that is not installed is left out.
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import unittest
import urllib.parse
from pathlib import Path

import harness
from harness import IS_CAMPAIGN, SCALE, amount, run
from losses import wait_served
from recorded import packets

CAMERAS = {  # name: clip, extension, codec in the words of mediainfo
    "h264": ("h264", "mp4", "AVC"), "h265": ("h265", "mp4", "HEVC"),
    "h264b": ("h264b", "mp4", "AVC"), "h265b": ("h265b", "mp4", "HEVC"),
    "mkv264": ("h264", "mkv", "AVC"), "mkv265": ("h265b", "mkv", "HEVC"),
}
SECONDS = 7
# For players that take as long as the video, in the normal tests.
FEW = amount(("h265", "h264b", "mkv264"), CAMERAS)

PAGE = """<!doctype html><video muted autoplay src="FILE"></video><script>
const video = document.querySelector('video'), fail = (text) => fetch('/told?error=' + text);
let sought = false;
video.onerror = () => fail(video.error.message || video.error.code);
video.onseeked = () => { sought = true; };
video.onloadedmetadata = () => { video.play().catch(error => fail(error)); };
setInterval(() => {
    if (!sought && video.currentTime > 0.5) { video.currentTime = video.duration - 2; }
    else if (sought && video.currentTime > video.duration - 1.2) {
        const frames = video.getVideoPlaybackQuality().totalVideoFrames;
        fetch(`/told?duration=${video.duration}&frames=${frames}&width=${video.videoWidth}`);
        sought = false; video.pause(); video.currentTime = 0;
    }
}, 100);
</script>"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files in ranges, as browsers want them for seeking, and hears what the page says."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/told":
            self.server.told.append(dict(urllib.parse.parse_qsl(query)))
            self.server.heard.set()
            self.reply(204, b"", "text/plain")
        elif path == "/page":
            self.reply(200, PAGE.replace("FILE", query).encode(), "text/html")
        elif Path(self.server.folder, path[1:]).is_file():
            self.send_range(Path(self.server.folder, path[1:]).read_bytes())
        else:
            self.reply(404, b"", "text/plain")

    def send_range(self, data):
        asked = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        if not asked:
            self.reply(200, data, "video/mp4")
            return
        first, last = int(asked[1]), int(asked[2] or len(data) - 1)
        last = min(last, len(data) - 1)
        self.reply(206, data[first:last + 1], "video/mp4",
                   ("Content-Range", f"bytes {first}-{last}/{len(data)}"))

    def reply(self, status, body, kind, *headers):
        self.send_response(status)
        for key, value in (("Content-Type", kind), ("Content-Length", str(len(body))),
                           ("Accept-Ranges", "bytes"), *headers):
            self.send_header(key, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            pass  # a browser that has enough

    def log_message(self, *_):
        pass


def frame_digests(file):
    """Of each decoded picture and each packet of sound."""
    result = run("ffmpeg", "-v", "error", "-nostdin", "-i", file, "-map", "0:v", "-fps_mode",
                 "passthrough", "-f", "framemd5", "-")
    assert result.returncode == 0, f"{file}: {result.stderr}"
    return [row.split(",")[-1].strip() for row in result.stdout.splitlines() if row[0] != "#"]


class Players(harness.Case):
    """One recording serves all tests."""

    @classmethod
    def setUpClass(cls):
        case = harness.Case()
        case.setUp()
        cls.addClassCleanup(case.doCleanups)
        cls.folder_of_all, cls.files, cls.copies = case.folder, {}, {}
        server = harness.Camera(case.folder, sorted({clip for clip, _, _ in CAMERAS.values()}))
        daemon = harness.Daemon(case.folder, [
            {"name": name, "rtspUrl": server.url(f"/{clip}/{name}"),
             "recording": {"videoFileExtension": extension}}
            for name, (clip, extension, _) in CAMERAS.items()], interval=300)
        daemon.wait_recording(CAMERAS)
        wait_served(server, "/h264/h264", SECONDS)
        for name in CAMERAS:
            source = max(daemon.output.joinpath(name).glob("*/*.part"))
            cls.copies[name] = case.folder / f"{name}-copy{source.with_suffix('').suffix}"
            shutil.copyfile(source, cls.copies[name])
            cls.files[name] = source.with_suffix("")
        wait_served(server, "/h264/h264", 1)
        daemon.stop()
        cls.frames = {name: sum(row.track == "v" for row in packets(file))
                      for name, file in cls.files.items()}

    def mp4(self):
        return {name: file for name, file in self.files.items() if file.suffix == ".mp4"}

    def needs(self, name):
        if not shutil.which(name):
            self.skipTest(f"{name} is not installed")

    def test_decoded_frames(self):
        for name, file in self.files.items():
            with self.subTest(name):
                before, after = frame_digests(self.copies[name]), frame_digests(file)
                self.assertEqual(len(after), self.frames[name])
                self.assertGreater(len(before), len(after) / 2)
                # The copy can end within a frame, and without the ones that are shown before it.
                self.assertEqual(before[:-4], after[:len(before) - 4])

    def test_ffprobe(self):
        for name, file in self.files.items():
            with self.subTest(name):
                result = run("ffprobe", "-v", "warning", "-show_error", "-show_format",
                             "-of", "json", file)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                shown = json.loads(result.stdout)
                self.assertNotIn("error", shown)
                self.assertAlmostEqual(float(shown["format"]["duration"]), self.frames[name] / 25,
                                       delta=0.13)
                self.assertAlmostEqual(float(shown["format"]["start_time"]), 0, delta=0.001)

    def test_mediainfo(self):
        self.needs("mediainfo")
        for name, file in self.files.items():
            with self.subTest(name):
                said = run("mediainfo", "--Output=JSON", file).stdout
                tracks = json.loads(said)["media"]["track"]
                video = next(track for track in tracks if track["@type"] == "Video")
                self.assertEqual(video["Format"], CAMERAS[name][2])
                self.assertEqual((video["Width"], video["Height"]), ("640", "360"))
                self.assertAlmostEqual(float(tracks[0]["Duration"]), self.frames[name] / 25,
                                       delta=0.13)
                if file.suffix == ".mp4":
                    # It takes for frames what the last picture, shown late, leaves free before it.
                    self.assertAlmostEqual(int(video["FrameCount"]), self.frames[name], delta=3)
                    self.assertNotIn("IsTruncated", json.dumps(tracks))
                    self.assertEqual(tracks[0].get("IsStreamable"), "Yes")
                else:
                    self.assertEqual(video["extra"]["NUMBER_OF_FRAMES"], str(self.frames[name]))

    def test_mpv(self):
        self.needs("mpv")
        for name, file in self.files.items():
            with self.subTest(name):
                result = run("mpv", "--no-config", "--vo=null", "--ao=null", "--start=50%",
                             "--frames=25", "--msg-level=all=warn", file)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertNotRegex(result.stdout + result.stderr, "(?i)error|invalid|corrupt")

    def test_ffplay(self):
        self.needs("ffplay")
        quiet = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
        for name in FEW:
            with self.subTest(name):
                result = run("ffplay", "-v", "error", "-autoexit", "-ss", "4", "-t", "1",
                             self.files[name], env={**os.environ, **quiet})
                self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_vlc(self):
        self.needs("vlc")
        # It refuses to be root, as one who only plays files should not be.
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        user = user if os.geteuid() == 0 else []
        self.folder.chmod(0o755)
        for name in FEW:
            file = self.files[name]
            with self.subTest(name):
                copy = self.folder / file.name
                shutil.copyfile(file, copy)
                copy.chmod(0o644)
                result = run(*user, "vlc", "-I", "dummy", "--no-audio", "--vout", "dummy",
                             "--stats", "--start-time", "4", "--run-time", "1", "--verbose", "2", "--no-color",
                             "--play-and-exit", copy, "vlc://quit",
                             env={**os.environ, "HOME": str(self.folder)}, errors="replace")
                said = result.stdout + result.stderr
                self.assertEqual(result.returncode, 0, said)
                self.assertIn("Received first picture", said)
                self.assertNotRegex(said, r"(?i)(mp4|mkv|avcodec).* error: ")
                copy.unlink()

    def browse(self, command, file):
        """Plays and seeks a file in a page; returns what the page tells."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.folder, server.told, server.heard = file.parent, [], threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}/page?{file.name}"
        env = {**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        with open(self.folder / "browser.log", "wb") as log:
            browser = subprocess.Popen([*map(str, command), url], env=env, stdout=log, stderr=log,
                                       start_new_session=True)
        try:
            heard = server.heard.wait(60 * SCALE)
        finally:
            os.killpg(browser.pid, 9)
            browser.wait()
        self.assertTrue(heard, (self.folder / "browser.log").read_text(errors="replace")[-2000:])
        return server.told[0]

    def check_browser(self, command, names):
        for name in names:
            with self.subTest(name):
                profile = self.folder / f"profile-{name}"
                profile.mkdir()
                told = self.browse([word.replace("PROFILE", str(profile)) for word in command],
                                   self.files[name])
                self.assertNotIn("error", told, told)
                self.assertAlmostEqual(float(told["duration"]), self.frames[name] / 25, delta=0.13)
                self.assertEqual(told["width"], "640")
                self.assertGreater(int(told["frames"]), 20)

    @unittest.skipUnless(IS_CAMPAIGN, "browsers are tried in ./check --campaign")
    def test_firefox(self):
        self.needs("firefox-esr")
        self.check_browser(["firefox-esr", "--headless", "--no-remote", "--profile", "PROFILE"],
                           self.mp4())

    @unittest.skipUnless(IS_CAMPAIGN, "browsers are tried in ./check --campaign")
    def test_chromium(self):
        self.needs("chromium")
        self.check_browser(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                            "--autoplay-policy=no-user-gesture-required", "--no-first-run",
                            "--user-data-dir=PROFILE"],
                           [name for name in self.mp4() if "264" in name])


if __name__ == "__main__":
    harness.main()
