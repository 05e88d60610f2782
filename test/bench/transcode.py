#!/usr/bin/env python3
"""What transcoding costs: CPU time per frame beside ffmpeg with the same settings.

    bench/transcode.py --rtsprecd FILE --rtspload FILE --offline FILE [option ...]

`cmake --build build/dev --target bench_transcode_run` does it all; docs/transcoding.md says what
came of it. First all of the library on clips, as fast as it can (offline_camera), in turns with
ffmpeg on the same clips. Then the daemon and ffmpeg in turns on a camera of 5 MP in real time, each
on one CPU alone.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cost
import cost_measure as measure
import mp4_frames

THREADS = 2  # of the encoder, as by default

# What comes: name: size, frames/s, seconds, encoder. Noise makes it as hard to code as it takes.
CLIPS = {
    "5MP": ("2592x1944", 15, 8, "libx265", "8M"),
    "1080p": ("1920x1080", 25, 12, "libx264", "8M"),
    "1080p-h265": ("1920x1080", 25, 12, "libx265", "6M"),
    "720p-mjpeg": ("1280x720", 25, 12, "mjpeg", "30M"),
}
# What is made of it: clip, codec, width, height, frames/s, kbit/s.
CASES = {
    "5 MP H.265 -> H.264": ("5MP", "h264", 2592, 1944, 15, 8000),
    "1080p25 H.264 -> H.265@15": ("1080p", "hevc", 1920, 1080, 15, 4000),
    "1080p25 H.265 -> H.264 640x360@12.5": ("1080p-h265", "h264", 640, 360, 12.5, 1000),
    "720p25 MJPEG -> MPEG-4": ("720p-mjpeg", "mpeg4", 1280, 720, 25, 4000),
}
LIVE = CASES["5 MP H.265 -> H.264"]

# As lib/transform/encoder.c sets them.
ENCODERS = {
    "h264": "-c:v libx264 -preset superfast -tune zerolatency -forced-idr 1",
    "hevc": "-c:v libx265 -preset ultrafast -tune zerolatency -forced-idr 1 -tag:v hvc1 "
            f"-x265-params pools={THREADS}:log-level=error:info=0",
    "mpeg4": "-c:v mpeg4",
}


def make_clip(folder, name):
    path = folder / f"{name}.mov"
    if path.exists():
        return path
    size, fps, seconds, encoder, rate = CLIPS[name]
    folder.mkdir(parents=True, exist_ok=True)
    print(f"making a clip: {name}", flush=True)
    own = {"libx265": f"-preset ultrafast -tag:v hvc1 -x265-params keyint={2 * fps}:scenecut=0:"
                      "bframes=0:log-level=error",
           "libx264": f"-preset ultrafast -g {2 * fps} -bf 0",
           "mjpeg": "-q:v 5 -pix_fmt yuvj420p"}[encoder]
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i",
                    f"testsrc2=s={size}:r={fps},noise=alls=12:allf=t,format=yuv420p",
                    "-t", str(seconds), "-c:v", encoder, *own.split(), "-b:v", rate, "-maxrate",
                    rate, "-bufsize", rate, "-f", "mov", path.with_suffix(".part")], check=True)
    path.with_suffix(".part").rename(path)
    return path


def ffmpeg(source, case, out, *before):
    """The command with the settings that the library has."""
    clip, codec, width, height, fps, kbps = case
    size, in_fps, _, encoder, _ = CLIPS[clip]
    filters = [f"fps={fps}"] if fps != in_fps else []
    if size != f"{width}x{height}" or encoder == "mjpeg":
        filters.append(f"scale={width}:{height}:flags=bilinear:out_range=tv,format=yuv420p")
    most = kbps * 1000 + (codec == "mpeg4")
    return ["ffmpeg", "-y", "-v", "error", "-nostdin", "-threads", "1", *before, "-i", source,
            *(["-filter_threads", "1", "-vf", ",".join(filters)] if filters else []),
            *ENCODERS[codec].split(), "-threads", THREADS, "-b:v", kbps * 1000, "-maxrate", most,
            "-bufsize", 2000 * kbps, "-g", round(2 * fps), "-bf", "0", out]


def cpu_of(command):
    """User and system time of a program from its beginning to its end, and the time it took."""
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} ended with {status}: {' '.join(map(str, command))}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begin


def frames_in(path):
    files = path.rglob("*.mp4") if path.is_dir() else [path]
    return sum(map(mp4_frames.count, files))


def compare(options, name):
    """In turns; prints a row and returns the ratio of the medians."""
    case = CASES[name]
    clip, codec, width, height, fps, kbps = case
    source = make_clip(options.out / "clips", clip)
    folder, file = options.out / "offline", options.out / "ffmpeg.mp4"
    ours, theirs = [], []
    for _ in range(options.rounds):
        shutil.rmtree(folder, ignore_errors=True)
        took, _ = cpu_of([options.offline, source, folder, f"codec={codec}", f"width={width}",
                          f"height={height}", f"millifps={round(1000 * fps)}", f"kbps={kbps}",
                          "seconds=300", f"threads={THREADS}"])
        ours.append(took / frames_in(folder))
        took, _ = cpu_of(ffmpeg(source, case, file))
        theirs.append(took / frames_in(file))
    counts = frames_in(folder), frames_in(file)
    if abs(counts[0] - counts[1]) > 1:
        sys.exit(f"{name}: {counts[0]} frames, ffmpeg {counts[1]}")
    ratios = [a / b for a, b in zip(ours, theirs)]
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"| {name} | {1e3 * statistics.median(ours):.2f} | {1e3 * statistics.median(theirs):.2f} "
          f"| {ratio:.3f} | {min(ratios):.3f} to {max(ratios):.3f} |", flush=True)
    return ratio


class Recorder(cost.recorders.Recorder):
    """On one CPU; the load generator has the others."""

    drain_seconds = 2

    def commands(self):
        return [["taskset", "-c", "0", *self.command()]]


class Daemon(Recorder):
    name, stop_signal = "rtsprecd", cost.recorders.signal.SIGTERM

    def command(self):
        _, codec, width, height, fps, kbps = LIVE
        config = self.folder / "config.json"
        config.write_text(json.dumps({
            "global": {"frameWidth": width, "frameHeight": height, "fps": fps, "recording": {
                "videoOutPath": str(self.folder), "videoCodec": codec, "videoBitrateKbps": kbps,
                "transcode": {"threads": THREADS}}},
            "cameras": [{"name": "0", "rtspUrl": self.url(0)}]}))
        return [self.programs.rtsprecd, "--config", config]


class Ffmpeg(Recorder):
    name, hangs_on = "ffmpeg", True

    def command(self):
        (self.folder / "0").mkdir()
        return ffmpeg(self.url(0), LIVE, self.folder / "0" / "all.mp4", "-rtsp_transport", "tcp")


def live(options, kind):
    """Prints a row; returns CPU seconds per second, None when the CPU was not its alone."""
    folder = options.out / "live"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    load = cost.Load(options.rtspload, make_clip(options.out / "clips", "5MP"), 1, "wire")
    recorder = kind(options, load.port, 1, folder)
    try:
        recorder.start(lambda count: cost.await_playing(load, recorder, count))
        window = cost.steady(load, recorder, options.warm, options.seconds)
        sent, frames = cost.stop(load, recorder)[0]["frames"], recorder.frames()[0]
        used = window["cpu_seconds"] / window["seconds"]
        keeps_up = (frames >= sent - cost.UNFINISHED_FRAMES and
                    sent > 0.95 * LIVE[4] * options.seconds)
        print(f"| {kind.name} | {1e3 * used / LIVE[4]:.2f} | {100 * used:.0f} % | {sent} | "
              f"{frames} |{'' if keeps_up else ' does not keep up'}", flush=True)
        return used if keeps_up else None
    finally:
        recorder.kill()
        load.close()
        recorder.output.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for program in ("rtsprecd", "rtspload", "offline"):
        parser.add_argument(f"--{program}", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, default=Path("bench"), metavar="DIRECTORY")
    parser.add_argument("--rounds", type=int, default=5, help="of each case (5)")
    parser.add_argument("--case", choices=CASES, action="append", help="only this one")
    parser.add_argument("--most", type=float, default=1.05, help="the ratio that fails (1.05)")
    parser.add_argument("--live-rounds", type=int, default=3, help="of the camera (3)")
    parser.add_argument("--seconds", type=float, default=30, help="of a round of the camera (30)")
    parser.add_argument("--warm", type=float, default=5, help="seconds before that (5)")
    options = parser.parse_args()
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    print("| case | CPU ms/frame | ffmpeg's | ratio | of the rounds |\n"
          "| --- | ---: | ---: | ---: | ---: |")
    ratios = [compare(options, name) for name in options.case or CASES]
    if options.live_rounds:
        print("\n| 5 MP camera, one CPU | CPU ms/frame | of the CPU | frames sent | in the file |\n"
              "| --- | ---: | ---: | ---: | ---: |")
        rounds = [[live(options, kind) for kind in (Daemon, Ffmpeg)]
                  for _ in range(options.live_rounds)]
        rounds = [used for used in rounds if None not in used]
        if not rounds:
            sys.exit("in no round both kept up: the machine has other work")
        ratios.append(statistics.median(used[0] for used in rounds) /
                      statistics.median(used[1] for used in rounds))
        print(f"\nratio in real time: {ratios[-1]:.3f}")
    if max(ratios) > options.most:
        sys.exit(f"more than {options.most} of ffmpeg")


if __name__ == "__main__":
    main()
