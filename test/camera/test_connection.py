#!/usr/bin/env python3
"""The simulated camera's faults of the connection and of the answers."""

import socket
import time
import unittest

import camera_client
from camera_client import Rtsp, camera


def end_of(client):
    """How the connection ends, once what was sent before is read."""
    try:
        while client.socket.recv(65536):
            pass
    except ConnectionResetError:
        return "reset"
    return "closed"


class Ends(unittest.TestCase):
    def test_close_and_reset(self):
        for key, expected in (("close", "closed"), ("reset", "reset")):
            with self.subTest(key), camera("--set", "*", f"{key}=0.3") as server:
                with Rtsp(server, "/h264v") as client:
                    client.play()
                    begin = time.monotonic()
                    self.assertEqual(end_of(client), expected)
                    self.assertLess(time.monotonic() - begin, 2)

    def test_freeze(self):
        with camera("--set", "/h264v/a", "freeze=0.2") as server:
            with Rtsp(server, "/h264v/a") as client, Rtsp(server, "/h264v/b") as other:
                client.play()
                other.play()
                client.socket.settimeout(1)
                with self.assertRaises(socket.timeout):
                    end_of(client)
                client.send("OPTIONS")
                with self.assertRaises(socket.timeout):
                    client.socket.recv(1)
                other.frame_times(40)


    def test_timeout(self):
        for value in ("1:close", "1:stop", "1"):
            with self.subTest(value), camera("--set", "*", f"timeout={value}") as server:
                with Rtsp(server, "/h264v") as client:
                    session = client.play(session_header=True)[:16]
                    begin = time.monotonic()
                    while time.monotonic() < begin + 1.2:  # kept alive
                        self.assertEqual(client.ask("GET_PARAMETER", Session=session)[0], 200)
                        client.frame_times(5)
                    if value == "1:close":
                        self.assertEqual(end_of(client), "closed")
                    elif value == "1:stop":
                        client.socket.settimeout(2)
                        with self.assertRaises(socket.timeout):
                            end_of(client)
                        client.socket.settimeout(None)
                        client.send("PLAY", Session=session)
                        self.assertIn(b" 454 ", client.socket.recv(1000))
                    else:
                        client.frame_times(30)

    def test_what_is_said_of_the_timeout(self):
        for value, said in (("7:close", ";timeout=7"), ("0", ""), ("off", ";timeout=60")):
            with camera("--set", "*", f"timeout={value}") as server:
                with Rtsp(server, "/h264v") as client:
                    self.assertEqual(client.play(session_header=True)[16:], said)

    def test_other_requests_do_not_keep_a_session(self):
        with camera("--set", "*", "timeout=1:close") as server, Rtsp(server, "/h264v") as client:
            client.play()
            begin = time.monotonic()
            with self.assertRaises((EOFError, IndexError)):
                while True:
                    client.ask("OPTIONS")
                    client.frame_times(1)
            self.assertTrue(0.9 < time.monotonic() - begin < 2)

    def test_throttle(self):
        with camera("--set", "*", "throttle=200", "--set", "*", "speed=4",
                    "--set", "*", "close=1") as server:
            with Rtsp(server, "/h264v") as client:
                client.play()
                size = 0
                while (data := client.stream.read(1000)):
                    size += len(data)
                self.assertTrue(20_000 < size < 30_000, size)

    def test_hold(self):
        with camera("--set", "*", "hold=0.2:0.6", "--set", "*", "speed=4") as server:
            with Rtsp(server, "/h264v") as client:
                client.play()
                arrivals = []
                for _ in range(150):
                    client.frame_times(1)
                    arrivals.append(time.monotonic() - client.started)
                self.assertEqual([t for t in arrivals if 0.3 < t < 0.75], [])
                self.assertGreater(len([t for t in arrivals if 0.75 < t < 0.9]), 55)


class Answers(unittest.TestCase):
    def test_delay_of_all(self):
        with camera("--set", "*", "delay=0.3") as server, Rtsp(server, "/h264v") as client:
            begin = time.monotonic()
            client.send("OPTIONS")
            client.send("DESCRIBE")
            self.assertEqual([client.answer()[1]["cseq"] for _ in range(2)], ["1", "2"])
            self.assertGreater(time.monotonic() - begin, 0.3)
            self.assertLess(time.monotonic() - begin, 0.6)

    def test_media_before_the_answer_to_play(self):
        with camera("--set", "*", "delay=PLAY:0.3") as server, Rtsp(server, "/h264v") as client:
            begin = time.monotonic()
            self.assertEqual(client.ask("DESCRIBE")[0], 200)
            answer = client.ask("SETUP", client.url + "/streamid=0",
                                Transport="RTP/AVP/TCP;interleaved=0-1")[1]
            self.assertLess(time.monotonic() - begin, 0.3)
            client.send("PLAY", Session=answer["session"].split(";")[0])
            client.frame_times(5)
            self.assertEqual(client.answer()[0], 200)
            self.assertGreater(time.monotonic() - begin, 0.3)

    def test_drip(self):
        with camera("--set", "*", "drip=5") as server, Rtsp(server, "/h264v") as client:
            client.send("OPTIONS")
            begin, size = time.monotonic(), 0
            while time.monotonic() < begin + 0.5:
                size += len(client.socket.recv(65536))
            self.assertTrue(60 < size < 130, size)

    def test_content_length(self):
        sizes = {}
        for value in ("off", "+100", "-20", "is:-1"):
            with camera("--set", "*", f"content-length={value}") as server:
                with Rtsp(server, "/h264v") as client:
                    client.send("DESCRIBE")
                    sizes[value] = self.content_length(client)
        true = int(sizes["off"])
        self.assertEqual(sizes, {"off": str(true), "+100": str(true + 100),
                                 "-20": str(true - 20), "is:-1": "-1"})

    def content_length(self, client):
        while not (line := client.stream.readline()).startswith(b"Content-Length: "):
            pass
        return line.split()[1].decode()

    def test_giant_sdp(self):
        with camera("--set", "*", "sdp-bytes=1000000") as server, Rtsp(server, "/h264v") as client:
            status, _, sdp = client.ask("DESCRIBE")
            self.assertEqual((status, len(sdp)), (200, 1_000_000))
            self.assertIn("sprop-parameter-sets=", sdp)
            self.assertEqual(client.ask("OPTIONS")[0], 200)

    def test_floods(self):
        first = {"headers": rb"RTSP/1.0 200 OK\r\n([\w-]+: [^\r]*\r\n)+",
                 "line": rb"RTSP/1.0 200 OK\r\n([\w-]+: [^\r]*\r\n)+X-Filler: x{100000}",
                 "body": rb"RTSP/1.0 200 OK\r\n(?s:.*)Content-Length: \d{19}\r\n\r\nv=0",
                 "frames": rb"\$\x00\x03\xe8", "junk": rb"(?!RTSP)(?s:.)"}
        for kind, pattern in first.items():
            with self.subTest(kind), camera("--set", "*", f"flood={kind}") as server:
                with Rtsp(server, "/h264v") as client:
                    self.assertEqual(client.ask("OPTIONS")[0], 200)
                    client.send("DESCRIBE")
                    data = client.stream.read(1_000_000)
                    self.assertRegex(data, rb"\A" + pattern)
                    if kind == "headers":
                        self.assertNotIn(b"\r\n\r\n", data)
                    if kind == "frames":
                        self.assertEqual({data[at] for at in range(0, len(data), 1004)}, {36})

    def test_flood_of_another_method(self):
        with camera("--set", "*", "flood=PLAY:junk") as server, Rtsp(server, "/h264v") as client:
            self.assertEqual(client.ask("DESCRIBE")[0], 200)
            answer = client.ask("SETUP", client.url + "/streamid=0",
                                Transport="RTP/AVP/TCP;interleaved=0-1")[1]
            client.send("PLAY", Session=answer["session"].split(";")[0])
            self.assertEqual(len(client.stream.read(100_000)), 100_000)


if __name__ == "__main__":
    camera_client.main()
