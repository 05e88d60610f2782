#!/usr/bin/env python3
"""The simulated camera's faults of single packets, and the ways that packets take."""

import contextlib
import socket
import struct
import unittest

import camera_client
from camera_client import Rtsp, camera

STRAY_BYTES = 100


def clean_stream(client, count):
    """So many bytes of the connection after PLAY."""
    client.play()
    return client.stream.read(count)


def frames_of(data):
    """(channel, packet) of each whole interleaved packet at the start; and what comes then."""
    found = []
    while data[:1] == b"$" and len(data) >= 4 + struct.unpack(">H", data[2:4])[0]:
        size = struct.unpack(">H", data[2:4])[0]
        found.append((data[1], data[4:4 + size]))
        data = data[4 + size:]
    return found, data


class Interleaved(unittest.TestCase):
    def test_garbage(self):
        with camera("--set", "*", "garbage=0.1:500") as server, Rtsp(server, "/h264v") as client:
            frames, rest = frames_of(clean_stream(client, 100_000))
            self.assertGreater(len(frames), 2)
            self.assertNotEqual(rest[:1], b"$")
            frames, _ = frames_of(rest[500:])
            self.assertGreater(len(frames), 5)

    def test_stray_channel(self):
        with camera("--set", "*", "stray=0.1:77") as server, Rtsp(server, "/h264v") as client:
            frames, _ = frames_of(clean_stream(client, 100_000))
            strays = [packet for channel, packet in frames if channel == 77]
            self.assertGreater(len(strays), 5)
            self.assertEqual({len(packet) for packet in strays}, {STRAY_BYTES})
            self.assertNotEqual(frames[0][0], 77)

    def test_wrong_length(self):
        for delta in (-7, 7):
            with self.subTest(delta), camera("--set", "*", f"frame-length=0.1:{delta}") as server:
                with Rtsp(server, "/h264v") as client:
                    frames, rest = frames_of(clean_stream(client, 100_000))
                    self.assertGreater(len(frames), 2)
                    self.assertNotEqual(rest[:1], b"$")
                    # The border that is looked for is `delta` bytes away.
                    before = frames[-1][1][-delta:] if delta > 0 else b""
                    frames, _ = frames_of(before + rest[max(0, -delta):])
                    self.assertGreater(len(frames), 5)

    def test_channels(self):
        with camera("--set", "*", "channels=6", clips=("h264",)) as server:
            with Rtsp(server, "/h264") as client:
                client.play(media=2)
                self.assertLessEqual({client.packet()[0] for _ in range(200)}, {6, 7, 8, 9})


class Udp(unittest.TestCase):
    def sequences(self, setting, count):
        """RTP sequence numbers in the order of their arrival, from 0."""
        found = []
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(camera("--set", "*", "speed=4", "--set", "*", setting))
            client = stack.enter_context(Rtsp(server, "/h264v"))
            rtp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            rtp.bind(("127.0.0.1", 0))
            rtp.settimeout(camera_client.DEADLINE_S)
            port = rtp.getsockname()[1]
            answer = client.ask("SETUP", client.url + "/streamid=0",
                                Transport=f"RTP/AVP;unicast;client_port={port}-{port}")[1]
            self.assertEqual(client.ask("PLAY", Session=answer["session"].split(";")[0])[0], 200)
            while len(found) < count:
                packet = rtp.recv(2000)
                if packet[1] != 200:  # no sender report
                    found.append(struct.unpack(">H", packet[2:4])[0])
        return [(number - found[0] + 100) % 65536 for number in found]

    def test_loss(self):
        found = self.sequences("loss=5", 500)
        self.assertEqual(found, sorted(found))
        lost = found[-1] - found[0] + 1 - len(found)
        self.assertTrue(10 < lost < 50, lost)

    def test_reorder(self):
        found = self.sequences("reorder=5", 500)
        self.assertEqual(len(set(found)), len(found))
        swapped = sum(a == b + 1 for a, b in zip(found, found[1:]))
        self.assertTrue(10 < swapped < 50, swapped)
        self.assertEqual(sorted(found[:-1])[-1] - min(found), len(found) - 2)

    def test_duplicate(self):
        found = self.sequences("duplicate=5", 500)
        self.assertEqual(found, sorted(found))
        self.assertTrue(10 < len(found) - len(set(found)) < 50)

    def test_each_run_is_the_same(self):
        self.assertEqual(*[self.sequences("loss=5", 200) for _ in range(2)])


class Transports(unittest.TestCase):
    def test_those_not_taken(self):
        asked = {"tcp": "RTP/AVP/TCP;unicast;interleaved=0-1",
                 "udp": "RTP/AVP;unicast;client_port=40000-40001",
                 "multicast": "RTP/AVP;multicast"}
        for taken in ("tcp", "udp", "multicast", "tcp,udp"):
            with self.subTest(taken), camera("--set", "*", f"transports={taken}", "--set", "*",
                                             "multicast=239.255.7.9:41000") as server:
                for word, transport in asked.items():
                    with Rtsp(server, "/h264v") as client:
                        status = client.ask("SETUP", client.url + "/streamid=0",
                                            Transport=transport)[0]
                        self.assertEqual(status, 200 if word in taken.split(",") else 461)

    def test_multicast(self):
        group, port = "239.255.7.9", 41010
        with camera("--set", "*", f"multicast={group}:{port}") as server:
            with Rtsp(server, "/h264v") as client, socket.socket(type=socket.SOCK_DGRAM) as rtp:
                rtp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                rtp.bind((group, port))
                rtp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                               socket.inet_aton(group) + socket.inet_aton("127.0.0.1"))
                rtp.settimeout(camera_client.DEADLINE_S)
                _, answer, _ = client.ask("SETUP", client.url + "/streamid=0",
                                          Transport="RTP/AVP;multicast")
                self.assertIn(f"multicast;destination={group};port={port}-{port + 1};ttl=0",
                              answer["transport"])
                client.ask("PLAY", Session=answer["session"].split(";")[0])
                numbers = [struct.unpack(">H", rtp.recv(2000)[2:4])[0] for _ in range(20)]
                self.assertEqual([(b - a) % 65536 for a, b in zip(numbers, numbers[1:])], [1] * 19)


if __name__ == "__main__":
    camera_client.main()
