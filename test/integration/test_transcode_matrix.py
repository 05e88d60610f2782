#!/usr/bin/env python3
"""What comes out of transcoding, measured: times, pictures, sound beside them, bitrate.

All of the library works on clips that are made here (offline_camera.c), without a network and as
fast as it can, so that nothing depends on the machine's load. Every frame of a clip shows its
number as a bar code, and a burst of sound begins with each second. picture_check.c reads both back,
and compares each picture with that of the clip.
"""

import itertools
import math
import os
import shutil
import statistics
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import harness
from harness import IS_CAMPAIGN, amount, program, run
from marked_clips import NOISE, look, make_clip, skews
from recorded import check_file, packets, streams

SECONDS = 5
INTERVAL_S = 2
SKEW_S = 0.010  # what is seen may be half a frame of the clip off, but not in the mean

SIZES = {"whole": (640, 360), "half": (320, 180)}
AXES = {
    "source": ("h264", "h264b", "h265", "h265b", "mjpeg"),
    "sound": ("none", "pcm_alaw", "aac"),
    "codec": ("hevc", "h264", "mpeg4"),
    "container": ("mp4", "mkv"),
    "size": tuple(SIZES),
    "rates": (("25", "15"), ("15", "25"), ("30", "12.5")),
}
KBPS = {"whole": 1000, "half": 400}

# dB against the clip, all planes, with the default presets, about 1 below the least of 90 cases. The
# content is testsrc2, whose edges are sharper than a camera's. docs/transcoding.md has what comes.
FLOORS = {("hevc", "whole"): 43, ("hevc", "half"): 46, ("h264", "whole"): 46.5,
          ("h264", "half"): 49, ("mpeg4", "whole"): 40, ("mpeg4", "half"): 45.5}


class File:
    """A file as offline_camera told of it, and what it shows."""

    def __init__(self, clip, path, start_us, end_us, frames):
        self.path, self.start_us, self.end_us = Path(path), int(start_us), int(end_us)
        self.frames = int(frames)
        self.shown, self.bursts = look(clip, self.path)


def transcode(clip, folder, **settings):
    """The lines of offline_camera: of files, and how many frames were left out."""
    result = run(program("OFFLINE_CAMERA"), clip, folder,
                 *(f"{key}={value}" for key, value in settings.items()),
                 env={**os.environ, "TZ": "UTC"}, timeout=1800)
    assert result.returncode == 0, result.stderr
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert lines[-1] == ["skipped", "0"], lines[-1]
    return [line[1:] for line in lines[:-1]]


def decibels(errors):
    return 10 * math.log10(255 ** 2 / max(statistics.mean(errors), 1e-6))


def pairwise(axes):
    """Few rows of the product in which every two values of two axes meet."""
    names = list(axes)

    def pairs(row):
        return set(itertools.combinations(zip(names, row), 2))
    rows = list(itertools.product(*axes.values()))
    missing, chosen = set().union(*map(pairs, rows)), []
    while missing:
        best = max(rows, key=lambda row: len(pairs(row) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


class Matrix(harness.Case):
    def check_times(self, files, rates):
        """Each frame at its time, files from boundary to boundary, all as long as the clip."""
        of_rate, rate = rates
        frame_us = 1e6 / rate
        total_us = sum(len(file.shown) for file in files) * frame_us
        longest_us = 1e6 / min(rates)
        self.assertLessEqual(abs(total_us - SECONDS * 1e6), longest_us + 1)
        numbers = [number for file in files for _, number, _ in file.shown]
        self.assertEqual(numbers, sorted(numbers))
        if rate < of_rate:
            self.assertEqual(len(set(numbers)), len(numbers))
        self.assertLess(max(b - a for a, b in zip(numbers, numbers[1:])), of_rate / rate + 1)
        for index, file in enumerate(files):
            self.assertEqual(len(file.shown), file.frames)
            for place, (at_us, _, _) in enumerate(file.shown):
                self.assertLess(abs(at_us - place * frame_us), 1001, file.path)
            if index > 0:
                self.assertLess(file.start_us % (INTERVAL_S * 1_000_000), frame_us + 1, file.path)
            if 0 < index < len(files) - 1:
                self.assertLess(abs(len(file.shown) * frame_us - INTERVAL_S * 1e6), frame_us + 1)

    def check_case(self, clips, row):
        source, sound, codec, container, size, rates = row
        clip = clips / f"{source}-{sound}-{rates[0]}.mov"
        folder = self.folder / "-".join(map(str, (*row[:-1], *rates)))
        rates = [float(Fraction(rate)) for rate in rates]
        width, height = SIZES[size]
        lines = transcode(clip, folder, codec=codec, container=container, width=width,
                          millifps=round(rates[1] * 1000), kbps=KBPS[size], seconds=INTERVAL_S)
        files = [File(clip, *line) for line in lines]
        self.assertEqual(len(files), 3)
        self.check_times(files, rates)
        check_file(files[1].path)
        tracks = {track["codec_type"]: track for track in streams(files[1].path)}
        video = tracks["video"]
        self.assertEqual((video["codec_name"], video["width"], video["height"]),
                         (codec, width, height))
        wanted = "aac" if container == "mp4" and sound != "none" else sound
        self.assertEqual(tracks.get("audio", {"codec_name": "none"})["codec_name"], wanted)
        late = []
        if sound != "none":
            usual = statistics.mean(skews(*look(clip, clip), rates[0]))
            late = [one - usual for file in files
                    for one in skews(file.shown, file.bursts, rates[0])]
            self.assertGreaterEqual(len(late), 3)
            self.assertLessEqual(max(map(abs, late)), SKEW_S, late)
        errors = [error for file in files for _, _, error in file.shown]
        self.assertGreater(decibels(errors), FLOORS[codec, size])
        shutil.rmtree(folder)
        return codec, size, decibels(errors), late

    def test_matrix(self):
        clips = self.folder / "clips"
        clips.mkdir()
        rows = list(itertools.product(*AXES.values())) if IS_CAMPAIGN else pairwise(AXES)
        for source, sound, rate in {(row[0], row[1], row[5][0]) for row in rows}:
            make_clip(clips / f"{source}-{sound}-{rate}.mov", source, sound, rate)

        def outcome(row):
            try:
                return self.check_case(clips, row)
            except Exception as error:  # raised again below, in this thread
                return error
        with ThreadPoolExecutor(amount(1, os.cpu_count())) as pool:
            outcomes = list(pool.map(outcome, rows))
        measured = []
        for row, one in zip(rows, outcomes):
            with self.subTest(row):
                if isinstance(one, Exception):
                    raise one
                measured.append(one)
        for key in FLOORS:
            values = [one[2] for one in measured if one[:2] == key]
            print(f"measured: {key[0]} {key[1]}: PSNR {min(values):.1f} to {max(values):.1f} dB "
                  f"in {len(values)} cases")
        late = [one for row in measured for one in row[3]]
        print(f"measured: sound {1000 * min(late):+.1f} to {1000 * max(late):+.1f} ms "
              f"beside the picture, {len(late)} bursts")


class Bitrate(harness.Case):
    """On a moving picture with noise, which gives every encoder more to code than it has bits for,
    in files of 20 s."""

    # Size, codecs, frames/s, kbit/s; the last is the Python service's example.
    CASES = [((320, 180), AXES["codec"], 25, 400)]
    if IS_CAMPAIGN:
        CASES += [((1280, 720), AXES["codec"], 25, 3000), ((2592, 1944), ("hevc",), 15, 8000)]

    def test_bitrate(self):
        for size, codecs, rate, kbps in self.CASES:
            clip, whole = (self.folder / f"{part}-{size[0]}.mov" for part in ("part", "whole"))
            make_clip(clip, "h264", "none", rate, size, 10, NOISE)
            result = run("ffmpeg", "-v", "error", "-stream_loop", 5, "-i", clip, "-c", "copy", whole)
            self.assertEqual(result.returncode, 0, result.stderr)
            for codec in codecs:
                with self.subTest(codec=codec, size=size):
                    folder = self.folder / f"{codec}-{size[0]}"
                    lines = transcode(whole, folder, codec=codec, millifps=1000 * rate, kbps=kbps,
                                      width=size[0], height=size[1], seconds=20)
                    rows = [row for line in lines for row in packets(line[0])]
                    self.assertEqual(len(rows), 60 * rate)
                    video = streams(lines[0][0])[0]
                    self.assertEqual((video["codec_name"], video["width"], video["height"]),
                                     (codec, *size))
                    got = sum(row.bytes for row in rows) * 8 / 60 / 1000
                    print(f"measured: {codec} {size[0]}x{size[1]}: {got:.0f} of {kbps} kbit/s")
                    self.assertLessEqual(abs(got - kbps), 0.1 * kbps)


if __name__ == "__main__":
    harness.main()
