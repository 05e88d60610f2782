#!/usr/bin/env python3
"""The ways in which the simulated camera describes itself, and what it asks of its clients."""

import re
import tempfile
import unittest
from pathlib import Path

import camera_client
from camera_client import RTSPCAM, Rtsp, asked, camera, probe


def describe(*settings, path="/h264/x", url="/h264/x"):
    """Headers and SDP of a camera with such settings; and its URL."""
    words = [word for setting in settings for word in ("--set", path, setting)]
    with camera(*words, clips=("h264",)) as server, Rtsp(server, url) as client:
        status, answer, sdp = client.ask("DESCRIBE")
        assert status == 200, status
        return answer, sdp, client.url


def controls(sdp):
    return re.findall(r"^a=control:(.*?)\r$", sdp, re.M)


class Description(unittest.TestCase):
    def test_without_parameter_sets(self):
        for clip in ("h264", "h265"):
            with camera("--set", "*", "sprop=no", clips=(clip,)) as server:
                with Rtsp(server, f"/{clip}") as client:
                    sdp = client.ask("DESCRIBE")[2]
            self.assertNotIn("sprop", sdp)
            self.assertIn("config=", sdp)  # of the sound
            if clip == "h264":
                self.assertRegex(sdp, r"a=fmtp:96 packetization-mode=1; profile-level-id=\w+\r\n")

    def test_base(self):
        expected = {
            "slash": {"content-base": "{}/"}, "bare": {"content-base": "{}"},
            "query": {"content-base": "{}?a=1&b=2/"}, "location": {"content-location": "{}/"},
            "none": {}, "host:192.0.2.1:99": {"content-base": "rtsp://192.0.2.1:99/h264/x/"}}
        for value, headers in expected.items():
            with self.subTest(value):
                answer, _, url = describe(f"base={value}", url="/h264/x?a=1&b=2")
                url = url.split("?")[0]
                found = {name: answer[name] for name in ("content-base", "content-location")
                         if name in answer}
                self.assertEqual(found, {name: text.format(url) for name, text in headers.items()})

    def test_control(self):
        expected = {"relative": "streamid=1", "absolute": "{}/streamid=1",
                    "slash": "/streamid=1", "query": "streamid=1?ctype=video&track=streamid=1"}
        for value, control in expected.items():
            _, sdp, url = describe(f"control={value}")
            self.assertEqual(controls(sdp)[2], control.format(url))

    def test_aggregate(self):
        for value, control in (("star", ["*"]), ("absolute", ["{}/streamid=all"]), ("none", [])):
            _, sdp, url = describe(f"aggregate={value}")
            self.assertEqual(controls(sdp)[:-2], [text.format(url) for text in control])

    def test_every_control_url_can_be_set_up(self):
        with camera(clips=("h264",)) as server:
            for url in ("/h264/x/streamid=1", "/h264/x//streamid=1", "/h264/x?a=1/streamid=1",
                        "/h264/x?a=1&b=2//streamid=1",
                        "/h264/x/streamid=1?ctype=video&track=streamid=1"):
                with Rtsp(server, "/h264/x") as client:
                    status, answer, _ = client.ask("SETUP", server.url(url),
                                                   Transport="RTP/AVP/TCP;unicast")
                    self.assertEqual(status, 200, url)
                    self.assertIn("interleaved=2-3", answer["transport"])

    def test_extra_media(self):
        kinds = {"metadata": ["application 0 RTP/AVP 107"], "backchannel": ["audio 0 RTP/AVP 0"],
                 "3": ["application 0 RTP/AVP 108"] * 3}
        kinds["metadata,backchannel,3"] = sum(kinds.values(), [])
        for value, media in kinds.items():
            found = re.findall(r"^m=(.*?)\r$", describe(f"extra={value}")[1], re.M)
            self.assertEqual(found[2:], media)
            _, sdp, _ = describe(f"extra=first:{value}")
            found = re.findall(r"^m=(.*?)\r$", sdp, re.M)
            self.assertEqual(found[:-2], media)
            self.assertEqual(controls(sdp)[1:], [f"streamid={100 + i}" for i in range(len(media))] +
                             ["streamid=0", "streamid=1"])

    def test_extra_media_beside_the_true_ones(self):
        with camera("--set", "*", "extra=first:metadata,backchannel", clips=("h264",)) as server:
            with Rtsp(server, "/h264") as client:
                for stream, status in ((100, 200), (101, 200), (102, 404)):
                    self.assertEqual(client.ask("SETUP", f"{client.url}/streamid={stream}",
                                                Transport="RTP/AVP/TCP;interleaved=0-1")[0], status)
            self.assertEqual(len(describe("extra=500")[1].split("m=")), 503)
            with Rtsp(server, "/h264") as client:
                client.play()
                client.frame_times(5)

    def test_framerate(self):
        sdp = describe("framerate=99.5")[1]
        self.assertEqual(sdp.count("a=framerate:99.5\r\n"), 1)
        self.assertLess(sdp.index("a=framerate"), sdp.index("m=audio"))
        self.assertNotIn("framerate", describe()[1])

    def test_multicast(self):
        self.assertIn("c=IN IP4 239.1.2.3/0\r\n", describe("multicast=239.1.2.3:5000")[1])

    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "sdp"
            file.write_text("nonsense\n")
            self.assertEqual(describe(f"sdp-file={file}")[1], "nonsense\n")

    def test_ffmpeg_understands_it(self):
        for setting in ("control=absolute", "control=query", "base=none", "base=bare",
                        "extra=metadata", "aggregate=absolute", "sprop=no"):
            with self.subTest(setting), camera("--set", "*", setting, "--set", "*",
                                               "speed=4") as server:
                self.assertEqual(probe(server.url("/h264v")).stdout.split()[:1], ["h264"])


class Dialogue(unittest.TestCase):
    def test_methods(self):
        with camera("--set", "*", "methods=OPTIONS,DESCRIBE,SETUP,PLAY,TEARDOWN") as server:
            with Rtsp(server, "/h264v") as client:
                self.assertEqual(client.ask("OPTIONS")[1]["public"],
                                 "OPTIONS,DESCRIBE,SETUP,PLAY,TEARDOWN")
                client.play()
                self.assertEqual(client.ask("GET_PARAMETER")[0], 501)

    def test_requests_of_the_camera(self):
        for method in ("OPTIONS", "GET_PARAMETER", "ANNOUNCE", "REDIRECT"):
            with self.subTest(method), tempfile.TemporaryDirectory() as folder:
                log = f"{folder}/requests"
                with camera("--requests", log, "--set", "*", f"request=0.2:{method}") as server:
                    with Rtsp(server, "/h264v") as client:
                        client.play()
                        headers, body = self.request(client, method)
                        self.assertEqual("Location" in headers, method == "REDIRECT")
                        self.assertEqual(len(body) > 0, method == "ANNOUNCE")
                        sequence = headers["CSeq"]
                        text = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n\r\n"
                        client.socket.sendall(text.encode())
                        client.rtp_sequence = None
                        client.frame_times(5)
                        self.assertEqual(client.ask("OPTIONS")[0], 200)
                answer = [row for row in asked(log) if row.method == "ANSWER"]
                self.assertEqual([(row.path, row.sequence, row.status) for row in answer],
                                 [("/h264v", sequence, 200)])

    def request(self, client, method):
        """Headers and body of the camera's request."""
        while (first := client.stream.read(1)) == b"$":
            client.stream.read(int.from_bytes(client.stream.read(3)[1:], "big"))
        line = (first + client.stream.readline()).decode()
        self.assertEqual(line, f"{method} rtsp://rtspcam/h264v RTSP/1.0\r\n")
        headers = {}
        while (line := client.stream.readline().decode().strip()):
            name, value = line.split(": ", 1)
            headers[name] = value
        return headers, client.stream.read(int(headers.get("Content-Length", 0)))

    def test_values(self):
        for setting in ("base=there", "control=none", "extra=metadata,x", "flood=rain",
                        "timeout=5:later", "multicast=10.0.0.1:5000", "rtp-time=4294967296",
                        "content-length=12", "transports=tcp,x", "auth=md5,x", "stale=0",
                        "redirect=200:x", "hold=1:-1", "loss=101", "request=1:"):
            result = camera_client.run(RTSPCAM, "--port", "0", "--set", "*", setting)
            self.assertEqual(result.returncode, 64)
            self.assertIn(f"{setting}: expected", result.stderr)


if __name__ == "__main__":
    camera_client.main()
