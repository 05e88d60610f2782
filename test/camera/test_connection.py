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


if __name__ == "__main__":
    camera_client.main()
