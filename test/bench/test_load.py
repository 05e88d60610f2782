#!/usr/bin/env python3
"""rtspload's streams, byte by byte: test_load.py RTSPLOAD CLIPS"""

import socket
import struct
import subprocess
import sys
import time
import unittest
from pathlib import Path

PROGRAM, CLIPS = Path(sys.argv[1]), Path(sys.argv[2])
LIMIT_SECONDS = 30


class Client:
    """A connection that plays; takes the stream apart as it comes."""

    def __init__(self, port, camera):
        self.url = f"rtsp://127.0.0.1:{port}/cam/{camera}"
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT_SECONDS)
        self.buffer = b""
        self.requests = self.answers = 0
        self.packets = []  # (sequence, time, is the last of a frame)
        self.ask("SETUP", "/streamid=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
        self.ask("PLAY")

    def ask(self, method, control="", headers=""):
        self.requests += 1
        self.socket.sendall(f"{method} {self.url}{control} RTSP/1.0\r\nCSeq: {self.requests}\r\n"
                            f"{headers}\r\n".encode())

    def read(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("rtspload has closed the connection")
        self.buffer += data
        while self.take():
            pass

    def take(self):
        """One packet or one answer."""
        if self.buffer[:1] == b"$":
            size = 4 + int.from_bytes(self.buffer[2:4], "big")
            if len(self.buffer) < max(size, 4):
                return False
            marks, sequence, rtp_time = struct.unpack(">xBHI", self.buffer[4:12])
            self.packets.append((sequence, rtp_time, marks >> 7 == 1))
        else:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            size = end + 4
            lines = self.buffer[:size].decode().split("\r\n")
            self.answers += 1
            if lines[:2] != ["RTSP/1.0 200 OK", f"CSeq: {self.answers}"]:
                raise ValueError(f"not the answer to request {self.answers}: {lines}")
        self.buffer = self.buffer[size:]
        return True

    def frames(self):
        return sum(is_last for *_, is_last in self.packets)


class LoadTest(unittest.TestCase):
    def start(self, clip, cameras, wire):
        load = subprocess.Popen([PROGRAM, CLIPS / clip, str(cameras), wire], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end, load)
        port = int(load.stdout.readline().split()[1])
        return load, port, int(load.stdout.readline().split()[2])

    def end(self, load):
        load.stdin.close()
        self.assertEqual(load.wait(LIMIT_SECONDS), 0)
        load.stdout.close()

    def connect(self, port, camera):
        client = Client(port, camera)
        self.addCleanup(client.socket.close)
        return client

    def check_stream(self, client):
        """Nothing is missing, and a frame's packets have one time."""
        packets = client.packets
        for (sequence, rtp_time, is_last), (next_sequence, next_time, _) in \
                zip(packets, packets[1:]):
            self.assertEqual(next_sequence, (sequence + 1) & 0xffff)
            self.assertEqual(next_time != rtp_time, is_last)

    def read_until(self, client, done):
        end = time.monotonic() + LIMIT_SECONDS
        while not done():
            self.assertLess(time.monotonic(), end, "nothing more comes")
            client.read()

    def test_rounds_follow_each_other(self):
        _, port, frames = self.start("h265tiny.mkv", 1, "burst")
        client = self.connect(port, 0)
        self.read_until(client, lambda: client.frames() > frames + frames // 2)
        self.check_stream(client)

    def test_requests_within_frames_are_answered_between_them(self):
        _, port, _ = self.start("h265v.mkv", 2, "wire")
        clients = [self.connect(port, camera) for camera in range(2)]
        for client in clients:
            self.read_until(client, client.frames)
        # A request at each read comes into many frames; the other camera shares their packets.
        while clients[0].frames() < 30:
            for client in clients:
                client.ask("GET_PARAMETER")
                self.read_until(client, lambda: client.answers == client.requests)
        for client in clients:
            self.check_stream(client)

    def test_counts_tell_what_was_sent(self):
        load, port, _ = self.start("h265v.mkv", 1, "wire")
        client = self.connect(port, 0)
        self.read_until(client, lambda: client.frames() >= 10)
        load.stdin.write("pause\n")
        load.stdin.flush()
        self.assertEqual(load.stdout.readline(), "paused\n")
        sending = 1
        while sending:
            load.stdin.write("status\n")
            load.stdin.flush()
            words = load.stdout.readline().split()
            sending, frames = int(words[3]), int(words[5])
        self.read_until(client, lambda: client.frames() == frames)
        client.ask("TEARDOWN")
        self.read_until(client, lambda: client.answers == client.requests)
        self.assertEqual(client.frames(), frames)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
