#!/usr/bin/env python3
"""What the simulated camera's packets say of time, and when they say what a decoder needs."""

import re
import struct
import time
import unittest

import camera_client
from camera_client import Rtsp, camera, steps

NTP_OFFSET_S = 2208988800
RATES = {0: 90000, 2: 32000}  # RTP clocks of the clip h264, by channel


def start_of(client, media=1):
    """(seq, rtptime) as RTP-Info tells them, per track."""
    info = client.play(media)["rtp-info"]
    return [(int(a), int(b)) for a, b in re.findall(r"seq=(\d+);rtptime=(\d+)", info)]


class Rtp(unittest.TestCase):
    def test_sequence_wraps(self):
        with camera("--set", "*", "sequence=65530") as server, Rtsp(server, "/h264v") as client:
            self.assertEqual(start_of(client)[0][0], 65530)
            numbers = []
            while len(numbers) < 20:
                channel, packet = client.packet()
                if channel == 0:
                    numbers.append(struct.unpack(">H", packet[2:4])[0])
            self.assertEqual(numbers, [*range(65530, 65536), *range(14)])

    def test_time_wraps(self):
        with camera("--set", "*", "rtp-time=wrap:0.4", clips=("h264",)) as server:
            with Rtsp(server, "/h264") as client:
                for (_, rtp_time), rate in zip(start_of(client, 2), RATES.values()):
                    self.assertEqual(rtp_time, 2**32 - 0.4 * rate)
                times = client.frame_times(20)
                self.assertEqual(set(steps(times)), {3600})
                self.assertEqual(times[10], 0)

    def test_time_is_given(self):
        with camera("--set", "*", "rtp-time=4711") as server, Rtsp(server, "/h264v") as client:
            self.assertEqual(start_of(client)[0][1], 4711)
            self.assertEqual(client.frame_times(1), [4711])

    def test_time_begins_again(self):
        with camera("--set", "*", "rtp-reset=0.4", "--set", "*",
                    "rtp-time=1000000000") as server:
            with Rtsp(server, "/h264v") as client:
                client.play()
                times = client.frame_times(20)
                self.assertEqual(times[9], 1_000_000_000 + 9 * 3600)
                self.assertLessEqual((times[10] + 1) % 2**32, 2)
                self.assertEqual(set(steps(times[10:])), {3600})

    def test_skewed_sound(self):
        with camera("--set", "*", "skew=10000", clips=("h264",)) as server:
            with Rtsp(server, "/h264") as client:
                starts = start_of(client, 2)
                last = {}
                for _ in range(150):
                    channel, packet = client.packet()
                    if channel in RATES:
                        last[channel] = struct.unpack(">I", packet[4:8])[0]
                video, sound = [((last[2 * i] - start[1]) % 2**32) / RATES[2 * i]
                                for i, start in enumerate(starts)]
                self.assertGreater(sound, 0.5)
                self.assertLess(abs(sound - 1.01 * round(sound / 1.01 / 0.032) * 0.032), 0.001)
                self.assertLess(abs(sound - video), 0.2)

    def test_late_sound(self):
        with camera("--set", "*", "sound-late=0.5", clips=("h264",)) as server:
            with Rtsp(server, "/h264") as client:
                (_, start), (_, sound_start) = start_of(client, 2)
                video = 0
                while True:
                    channel, packet = client.packet()
                    rtp_time = struct.unpack(">I", packet[4:8])[0]
                    if channel == 0:
                        video = (rtp_time - start) / 90000
                    elif channel == 2:
                        break
                self.assertEqual(rtp_time, sound_start)
                # The muxer keeps a frame of AAC until the next one comes.
                self.assertLess(abs(video - 0.5 - 0.032), 0.1)

    def test_rtp_info(self):
        with camera("--set", "*", "rtp-info=no") as server, Rtsp(server, "/h264v") as client:
            self.assertNotIn("rtp-info", client.play())
        with camera("--set", "*", "rtp-info=wrong") as server, Rtsp(server, "/h264v") as client:
            (sequence, rtp_time), = start_of(client)
            self.assertEqual((rtp_time - client.frame_times(1)[0]) % 2**32, 12345)
            self.assertLess((sequence - client.rtp_sequence) % 65536, 12346)


class Reports(unittest.TestCase):
    def read(self, count, *settings):
        """(arrival, NTP, RTP time) of so many reports, and the RTP time at PLAY."""
        words = [word for setting in settings for word in ("--set", "*", setting)]
        with camera(*words) as server, Rtsp(server, "/h264v") as client:
            start, found, began = start_of(client)[0][1], [], time.time()
            while len(found) < count and time.time() < began + 3:
                channel, packet = client.packet()
                if channel == 1:
                    seconds, fraction, rtp_time = struct.unpack(">III", packet[8:20])
                    media_s = ((rtp_time - start) % 2**32) / 90000
                    found.append((time.time(), seconds - NTP_OFFSET_S + fraction / 2**32, media_s))
        return began, found

    def test_interval(self):
        began, found = self.read(5, "reports=0.2")
        self.assertEqual(len(found), 5)
        for index, (arrived, ntp, media_s) in enumerate(found):
            self.assertLess(abs(ntp - arrived), 0.2)
            self.assertLess(abs(ntp - began - media_s), 0.2)
            self.assertLess(abs(media_s - 0.2 * index), 0.05)

    def test_none(self):
        self.assertEqual(self.read(1, "reports=no")[1], [])

    def test_step(self):
        for step in (3600, -3600):
            _, found = self.read(8, "reports=0.1", f"ntp-step=0.35:{step}")
            errors = [round(ntp - arrived) for arrived, ntp, _ in found]
            self.assertEqual(errors, [0] * 3 + [step] * 5)


class ParameterSets(unittest.TestCase):
    def times_of_sets(self, clip, types, shift, mask, setting):
        """Media times of packets that begin with a parameter set, and of key frames."""
        sets, keys = [], []
        with camera("--set", "*", setting, "--set", "*", "speed=4", clips=(clip,)) as server:
            with Rtsp(server, f"/{clip}") as client:
                start = start_of(client)[0][1]
                media_s = 0
                while media_s < 1.1:
                    channel, packet = client.packet()
                    if channel != 0:
                        continue
                    media_s = ((struct.unpack(">I", packet[4:8])[0] - start) % 2**32) / 90000
                    kind = packet[12] >> shift & mask
                    if kind in (24, 48):  # an aggregate: look at its first unit
                        kind = packet[12 + (3 if kind == 24 else 4)] >> shift & mask
                    if kind in types:
                        sets.append(media_s)
                    if kind in (28, 49) and packet[13 if kind == 28 else 14] & 0x80:
                        keys.append(media_s)
        return sets, keys

    def test_in_band(self):
        for clip, types, shift, mask in (("h264v", (7, 8), 0, 31), ("h265v", (32, 33, 34), 1, 63)):
            for setting, first in (("in-band=0", 0), ("in-band=0.4", 0.5), ("in-band=never", None)):
                with self.subTest(clip=clip, setting=setting):
                    sets, keys = self.times_of_sets(clip, types, shift, mask, setting)
                    self.assertEqual(sets[0] if sets else None, first)
                    self.assertIn(0, keys)


if __name__ == "__main__":
    camera_client.main()
