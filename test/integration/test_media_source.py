#!/usr/bin/env python3
"""What is no RTSP: files, HTTP, HLS, SRT, RTMP, devices. Recorded as it was sent, frame by frame.

Proves: a file plays in real time, ends as a lost camera and begins again; what HTTP, HLS, SRT and
RTMP carry is recorded unchanged; a server that breaks off, hangs or never answers is noticed in
time and heard of in words; credentials stay with their host over redirects and playlists;
certificates are verified, those of a playlist's segments too; a playlist opens no local file.
"""

import os
import signal
import socket
import time
import unittest
from pathlib import Path

import harness
from harness import clip, run
from recorded import REORDER_US, check_files, packets, streams
from web import Web

SECONDS = 5  # of each clip here
LOGIN = "admin:s3cret"


def remux(source, target, *options):
    result = run("ffmpeg", "-v", "error", "-nostdin", "-y", "-i", source, "-t", SECONDS, "-c",
                 "copy", *options, target)
    assert result.returncode == 0, result.stderr
    return target


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hashes(rows, track="v"):
    return [row.hash for row in rows if row.track == track]


def times(rows):
    """When each picture is shown, from the first one on."""
    video = [row.pts_us for row in rows if row.track == "v"]
    return [pts_us - video[0] for pts_us in video]


def place(part, whole, what):
    """Where the rows of one list stand in another, without a gap."""
    for at in range(len(whole) - len(part) + 1):
        if whole[at:at + len(part)] == part:
            return at
    raise AssertionError(f"{what}: the {len(part)} recorded are no part of the {len(whole)} sent")


class Media(harness.Case):
    def setUp(self):
        super().setUp()
        self.media = self.folder / "media"
        self.media.mkdir()

    def web(self, *arguments, **options):
        web = Web(self.media, *arguments, **options)
        self.addCleanup(web.stop)
        return web

    def record(self, urls, **settings):
        """A daemon with a camera per URL; a value may be a dictionary of its keys."""
        cameras = [{"name": name, **(url if isinstance(url, dict) else {"rtspUrl": str(url)})}
                   for name, url in urls.items()]
        self.daemon = harness.Daemon(self.folder, cameras, **settings)
        return self.daemon

    def recorded(self, name, start_us=0):
        """The packets of all files of a camera."""
        files = self.daemon.segments(name)
        self.assertTrue(files, f"{name}: nothing recorded")
        return [row for rows in check_files(files, start_us) for row in rows]

    def check_part(self, name, source, least, start_us=0):
        """What was recorded is a part of the source without a gap."""
        rows, sent = self.recorded(name, start_us), packets(source)
        self.assertGreaterEqual(len(hashes(rows)), least, name)
        place(hashes(rows), hashes(sent), name)
        if hashes(sent, "a"):
            self.assertGreater(len(hashes(rows, "a")), least, f"{name}: sound")
            place(hashes(rows, "a"), hashes(sent, "a"), f"{name}, sound")


class Files(Media):
    def test_files_play_in_real_time_and_again(self):
        sources = {
            "mp4": remux(clip("h264"), self.media / "a file.mp4", "-movflags", "+faststart"),
            "ts": remux(clip("h265b"), self.media / "h265b.ts"),
            "mkv": remux(clip("h265"), self.media / "h265.mkv"),
            "flv": remux(clip("h264b"), self.media / "h264b.flv"),
        }
        daemon = self.record({"mp4": sources["mp4"], "ts": f"file:{sources['ts']}",
                              "mkv": f"file://{sources['mkv']}", "flv": sources["flv"]},
                             interval=3600)
        for name in sources:
            daemon.wait_for(daemon.of(name, "Camera lost: receiving: the end of the file"))
            daemon.wait_for(daemon.of(name, "Starting recording to: "), 2)
        daemon.stop()
        for name, source in sources.items():
            with self.subTest(name):
                began = daemon.time_of(daemon.of(name, "Starting recording"))
                passed = daemon.time_of(daemon.of(name, "the end of the file")) - began
                self.assertAlmostEqual(passed, SECONDS, delta=0.7 * harness.SCALE)
                first = self.daemon.segments(name)[0]
                start_us = REORDER_US if name in ("ts", "flv") else 0
                rows, sent = check_files([first], start_us)[0], packets(source)
                self.assertEqual(hashes(rows), hashes(sent))
                sound = hashes(sent, "a")
                heard = hashes(rows, "a")
                self.assertGreaterEqual(len(heard), len(sound) - 3)
                place(heard, sound, name)
                for got, want in zip(times(rows), times(sent)):
                    self.assertAlmostEqual(got, want, delta=1500)  # FLV counts milliseconds

    def test_another_size_begins_another_file(self):
        names = ("flv", "ts")  # parameter sets in a packet of their own, and in band
        for name in names:
            parts = [remux(clip(source), self.media / f"{source}.{name}", "-an", "-t", "3")
                     .read_bytes() for source in ("h264v", "h264small")]
            header = 13 if name == "flv" else 0
            (self.media / f"both.{name}").write_bytes(parts[0] + parts[1][header:])
        daemon = self.record({name: self.media / f"both.{name}" for name in names}, interval=3600)
        for name in names:
            daemon.wait_for(daemon.of(name, "the end of the file"))
        daemon.wait_closed(names, 2)
        daemon.stop()
        for name in names:
            with self.subTest(name):
                files = daemon.segments(name)[:2]
                self.assertEqual([streams(file)[0]["width"] for file in files], [640, 320])
                for file, source in zip(files, ("h264v", "h264small")):
                    sent = packets(self.media / f"{source}.{name}")
                    self.assertEqual(hashes(check_files([file])[0]), hashes(sent))

    def test_a_stop_does_not_wait_for_the_next_frame(self):
        source = self.media / "slow.mkv"
        result = run("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i",
                     "color=size=64x64:rate=1/8", "-frames:v", "3", "-c:v", "mjpeg", source)
        self.assertEqual(result.returncode, 0, result.stderr)
        daemon = self.record({"slow": source}, readTimeoutSeconds=60)
        daemon.wait_recording(["slow"])
        asked = time.monotonic()
        daemon.stop()
        self.assertLess(time.monotonic() - asked, 1 * harness.SCALE)

    def test_what_is_no_video_is_said_in_words(self):
        text = self.media / "text.mp4"
        text.write_text("no video\n" * 100)
        daemon = self.record({"none": self.media / "none.mp4", "text": text})
        daemon.wait_for(daemon.of("none", "WARNING - .*connecting: No such file"))
        daemon.wait_for(daemon.of("text", "WARNING - .*connecting: Invalid data"))
        daemon.stop()


class Http(Media):
    def test_files_streams_and_trouble(self):
        ts = remux(clip("h264"), self.media / "h264.ts")
        mp4 = remux(clip("h265"), self.media / "h265.mp4", "-movflags", "+faststart")
        web = self.web(special={"/slow.ts": ("slow", "h264.ts"), "/hang.ts": ("hang", "h264.ts"),
                                "/broken.ts": ("broken", "h264.ts"), "/silent.ts": ("silence", "")})
        daemon = self.record(
            {name: web.url(f"/{name}") for name in ("h264.ts", "h265.mp4", "slow.ts", "broken.ts",
                                                    "hang.ts", "silent.ts", "none.ts")},
            interval=3600, readTimeoutSeconds=1, openTimeoutSeconds=3)
        daemon.wait_for(daemon.of("none.ts", "WARNING - .*connecting: 404"))
        daemon.wait_for(daemon.of("silent.ts", "WARNING - .*within 3.0 s|no answer in time"))
        for name in ("h264.ts", "h265.mp4", "slow.ts", "broken.ts"):
            daemon.wait_for(daemon.of(name, "WARNING - Camera lost: receiving: "))
        daemon.wait_for(daemon.of("hang.ts", "WARNING - .*no video for 1.0 s"))
        daemon.wait_for(daemon.of("broken.ts", "Segment closed: "))
        daemon.stop()
        for name, source, least in (("h264.ts", ts, SECONDS * 25), ("h265.mp4", mp4, SECONDS * 25),
                                    ("slow.ts", ts, 50), ("broken.ts", ts, 50),
                                    ("hang.ts", ts, 15)):
            with self.subTest(name):
                first = self.daemon.segments(name)[0]
                rows, sent = check_files([first])[0], packets(source)
                self.assertGreaterEqual(len(hashes(rows)), least)
                self.assertEqual(hashes(rows), hashes(sent)[:len(hashes(rows))])
                self.assertGreater(len(hashes(rows, "a")), least)
        passed = (daemon.time_of(daemon.of("silent.ts", "WARNING"))
                  - daemon.time_of(daemon.of("silent.ts", "Connecting")))
        self.assertAlmostEqual(passed, 3, delta=0.5 * harness.SCALE)

    def test_credentials_stay_with_their_host(self):
        remux(clip("h264"), self.media / "h264.ts")
        other = self.web(host="127.0.0.2")
        web = self.web(login=LOGIN)
        web.special = {"/moved.ts": ("redirect", other.url("/h264.ts"))}
        daemon = self.record({"good": web.url("/h264.ts", LOGIN + "@"),
                              "moved": web.url("/moved.ts", LOGIN + "@"),
                              "bad": web.url("/h264.ts", "admin:wr0ng@"),
                              "keys": {"rtspUrl": web.url("/h264.ts"), "username": "admin",
                                       "password": "s3cret"}}, logLevel="debug")
        daemon.wait_recording(["good", "moved", "keys"])
        daemon.wait_for(daemon.of("bad", "WARNING - .*401, the camera refused"))
        daemon.stop()
        self.assertIn(web.login, [request.authorization for request in web.asked("/moved.ts")])
        self.assertEqual({request.authorization for request in other.requests}, {None})
        for secret in ("s3cret", "wr0ng", web.login.split()[1]):
            self.assertFalse(daemon.find(secret))

    def certificate(self, name, authority=None):
        """A key and a certificate for 127.0.0.1, in one file; without an authority, its own."""
        key, pem = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        extensions = self.folder / f"{name}.cnf"
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        signing = (["-CA", authority[0], "-CAkey", authority[1], "-CAcreateserial"] if authority
                   else ["-signkey", key])
        for command in (["req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj",
                         f"/CN={name}", "-out", self.folder / "csr"],
                        ["x509", "-req", "-in", self.folder / "csr", "-days", "2", "-out", pem,
                         *(["-extfile", extensions] if authority else []), *signing]):
            result = run("openssl", *command)
            self.assertEqual(result.returncode, 0, result.stderr)
        both = self.folder / f"{name}.both"
        both.write_text(key.read_text() + pem.read_text())
        return pem, key, both

    def test_certificates_are_verified(self):
        remux(clip("h264"), self.media / "h264.ts")
        authority = self.certificate("authority")
        good = self.web(certificate=self.certificate("camera", authority)[2])
        bad = self.web(certificate=self.certificate("stranger")[2])
        plain = self.web()
        good.special = {"/down.ts": ("redirect", plain.url("/h264.ts"))}
        (self.media / "mixed.m3u8").write_text(
            "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n" + bad.url("/h264.ts") +
            "\n#EXT-X-ENDLIST\n")
        daemon = self.record({
            "trusted": {"rtspUrl": good.url("/h264.ts"), "tlsCaFile": str(authority[0])},
            "unknown": good.url("/h264.ts"),
            "stranger": {"rtspUrl": bad.url("/h264.ts"), "tlsCaFile": str(authority[0])},
            "mixed": {"rtspUrl": good.url("/mixed.m3u8"), "tlsCaFile": str(authority[0])},
            "rtmps": {"rtspUrl": bad.url("/live/key").replace("https", "rtmps"),
                      "tlsCaFile": str(authority[0])},
            "down": {"rtspUrl": good.url("/down.ts", LOGIN + "@"), "tlsCaFile": str(authority[0])},
            "any": {"rtspUrl": bad.url("/h264.ts"), "tlsVerify": False}})
        daemon.wait_recording(["trusted", "any"])
        refused = ("unknown", "stranger", "mixed", "rtmps", "down")
        for name in refused:
            daemon.wait_for(daemon.of(name, "WARNING - .*next attempt"), 2)
        daemon.stop()
        for name in refused:
            self.assertEqual(daemon.segments(name), [])
        self.assertEqual({request.path for request in bad.requests}, {"/h264.ts"})
        self.assertTrue(good.asked("/down.ts"))
        self.assertEqual({request.authorization for request in plain.requests}, {None})
        warned = daemon.find("WARNING - The certificate of the camera is not verified")
        self.assertEqual(len(warned), 1, warned)
        self.assertIn("CameraProcessor-any", warned[0])
        self.assertTrue(good.asked("/mixed.m3u8"))


class Hls(Media):
    def test_live_playlist_behind_a_login(self):
        source = remux(clip("h264"), self.media / "h264.mp4")
        folder = self.media / "live"
        folder.mkdir()
        sender = harness.Process("ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "9",
                                 "-i", source, "-c", "copy", "-f", "hls", "-hls_time", "2",
                                 "-hls_list_size", "6", folder / "live.m3u8")
        harness.wait_until(lambda: len(list(folder.glob("*.ts"))) > 2, "segments of HLS")
        web = self.web(login=LOGIN)
        daemon = self.record({"live": web.url("/live/live.m3u8", LOGIN + "@")}, interval=3600,
                             readTimeoutSeconds=2)
        daemon.wait_recording(["live"])
        harness.wait_until(lambda: len({request.path for request in web.requests}) >= 6,
                           "a few segments more")
        daemon.stop()
        sender.kill()
        self.assertEqual(daemon.find("Camera lost|timestamps of track"), [])
        rows = self.recorded("live")
        self.assertGreater(len(hashes(rows)), 75)
        place(hashes(rows), hashes(packets(source)) * 4, "live")

    def test_a_playlist_takes_nothing_along(self):
        remux(clip("h264"), self.media / "h264.ts")
        secret = remux(clip("h265"), self.folder / "local.ts")
        other, web = self.web(host="127.0.0.2"), self.web(login=LOGIN)
        head = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n"
        for name, segment in (("elsewhere", other.url("/h264.ts")), ("local", f"file://{secret}"),
                              ("joined", f"concat:{secret}")):
            (self.media / f"{name}.m3u8").write_text(f"{head}{segment}\n#EXT-X-ENDLIST\n")
        names = ("elsewhere", "local", "joined")
        daemon = self.record({name: web.url(f"/{name}.m3u8", LOGIN + "@") for name in names})
        daemon.wait_recording(["elsewhere"])
        for name in ("local", "joined"):
            daemon.wait_for(daemon.of(name, "WARNING - .*next attempt"), 2)
        daemon.stop()
        self.assertEqual({request.authorization for request in other.asked("/h264.ts")}, {None})
        self.assertEqual(daemon.segments("local") + daemon.segments("joined"), [])


class Pushed(Media):
    def test_srt_and_rtmp(self):
        source = remux(clip("h264"), self.media / "h264.mkv")
        rtmp = f"rtmp://127.0.0.1:{free_port()}/live/key"
        srt = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        urls = {"rtmp": (rtmp, "-f", "flv", "-listen", "1", rtmp)}
        if "srt" in run("ffmpeg", "-v", "error", "-protocols").stdout.split():
            urls["srt"] = (srt, "-f", "mpegts", srt + "?mode=listener")
        senders = [harness.Process("ffmpeg", "-v", "error", "-nostdin", "-re", "-i", source, "-c",
                                   "copy", *output) for _, *output in urls.values()]
        daemon = self.record({name: url for name, (url, *_) in urls.items()}, interval=3600)
        for name in urls:
            daemon.wait_for(daemon.of(name, "Camera lost: receiving: "))
        daemon.wait_closed(urls)
        daemon.stop()
        for sender in senders:
            sender.kill()
        for name in urls:
            with self.subTest(name):
                # What SRT has on its way when the sender closes is lost: its latency, and more on a
                # machine with other work.
                self.check_part(name, source, SECONDS * 25 - (25 if name == "srt" else 5))

    def test_a_stop_does_not_wait_for_a_server(self):
        web = self.web(special={"/silent": ("silence", "")})
        port = free_port(socket.SOCK_DGRAM)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            urls = {"http": web.url("/silent"), "mute": f"http://{address}/",
                    "https": f"https://{address}/", "rtmp": f"rtmp://{address}/live/key",
                    "rtmps": f"rtmps://{address}/live/key", "srt": f"srt://127.0.0.1:{port}"}
            daemon = self.record(urls, openTimeoutSeconds=60)
            for name in urls:
                daemon.wait_for(daemon.of(name, "Connecting"))
            harness.wait_until(lambda: web.asked("/silent"), "a request")
            asked = time.monotonic()
            daemon.stop()
            self.assertLess(time.monotonic() - asked, 1 * harness.SCALE)


    @unittest.skipUnless(os.geteuid() == 0, "only root can take a name server's port")
    @unittest.skipIf("thread" in os.environ.get("RTSPREC_SANITIZE", ""),
                     "ThreadSanitizer crashes where glibc resolves names")
    def test_a_stop_does_not_wait_for_a_name_server(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.11.0.53", 53))
            silent.settimeout(harness.DEADLINE_S)
            servers = self.folder / "resolv.conf"
            servers.write_text("nameserver 127.11.0.53\n")
            config = harness.Daemon.write_config(self.folder, {
                "global": {"openTimeoutSeconds": 60,
                           "recording": {"videoOutPath": str(self.folder / "video")}},
                "cameras": [{"name": scheme, "rtspUrl": f"{scheme}://camera.example:9000/live/key"}
                            for scheme in ("http", "https", "srt", "rtmp", "rtmps")]})
            daemon = harness.Process(
                "unshare", "--mount", "sh", "-c",
                'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', "sh", servers,
                harness.program("RTSPRECD"), "--config", config, cwd=self.folder)
            for _ in range(5):
                self.assertIn(b"camera", silent.recv(512))
            asked = time.monotonic()
            daemon.send(signal.SIGTERM)
            self.assertEqual(daemon.wait(), 0, daemon.tail())
            self.assertLess(time.monotonic() - asked, 1 * harness.SCALE)


class Devices(Media):
    def test_raw_pictures_go_into_mkv(self):
        graph = "lavfi:testsrc2=size=160x120:rate=10"
        daemon = self.record({"mkv": {"rtspUrl": graph, "recording": {"videoFileExtension": "mkv"}},
                              "mp4": graph})
        daemon.wait_for(daemon.of("mp4", r"rawvideo, which mp4 files cannot hold \(mkv files"))
        daemon.wait_closed(["mkv"], 2)
        daemon.stop()
        files = daemon.segments("mkv")
        check_files(files)
        self.assertEqual([stream["codec_name"] for stream in streams(files[0])], ["rawvideo"])
        self.assertEqual(len(packets(files[1])), 20)  # two seconds in real time

    def test_camera_of_this_machine(self):
        devices = sorted(Path("/dev").glob("video*"))
        if not devices:
            self.skipTest("there is no /dev/video*")
        daemon = self.record({"usb": {"rtspUrl": f"v4l2:{devices[0]}",
                                      "recording": {"videoFileExtension": "mkv"}}})
        daemon.wait_closed(["usb"])
        daemon.stop()
        check_files(daemon.segments("usb"))

    def test_a_missing_device_is_said_in_words(self):
        daemon = self.record({"usb": "v4l2:/dev/nowhere", "odd": "v4l2:/dev/nowhere?mjpeg"})
        daemon.wait_for(daemon.of("usb", "WARNING - .*connecting: No such file"))
        daemon.wait_for(daemon.of("odd", "WARNING - .*expected name=value"))
        daemon.stop()

    def test_libraries_of_devices_are_loaded_on_demand(self):
        source = remux(clip("h264"), self.media / "h264.mp4")
        daemon = self.record({"file": source})
        daemon.wait_recording(["file"])
        maps = Path(f"/proc/{daemon.pid}/maps").read_text()
        daemon.stop()
        self.assertFalse("libavdevice" in maps)


class Libavformat(Media):
    def test_transports_of_its_rtsp(self):
        server = harness.Camera(self.folder, ("h264", "h265"))
        server.say("set /h265 transports udp")
        paths = {"tcp": "/h264", "udp": "/h265"}
        daemon = self.record({name: {"rtspUrl": server.url(path), "ingest": "libavformat",
                                     "transport": "auto"} for name, path in paths.items()})
        daemon.wait_closed(paths, 2)
        daemon.stop()
        for name, path in paths.items():
            self.check_served(name, server, path)

    def check_served(self, name, server, path):
        rows = self.recorded(name)
        place(hashes(rows), [unit.hash for unit in server.served(path)], name)


if __name__ == "__main__":
    os.environ["no_proxy"] = "*"
    harness.main()
