#!/usr/bin/env python3
"""What recording costs: rtsprecd beside ffmpeg, GStreamer and a raw recv and write.

    bench/cost.py --rtsprecd FILE --rtspload FILE --floor FILE [option ...]

`cmake --build build/dev --target bench_cost_run` does it all, with the rtsprecd of that build;
docs/performance.md says what is measured and how. The options are for less than all of it.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cost_measure as measure
import cost_recorders as recorders
import cost_report as report

# name: (size, bit/s, options that make the picture as hard to code as it takes)
CLIPS = {
    "8M": ("2592x1944", 8_000_000, "noise=alls=12:allf=t"),
    "200k": ("640x360", 200_000, "noise=alls=8:allf=t"),
}
FPS, CLIP_SECONDS, GOP_SECONDS = 15, 4, 2

# Cameras: the clip that each sends. Other numbers of cameras send the usual one.
USUAL_CLIP = "8M"
COUNTS = {1: USUAL_CLIP, 10: USUAL_CLIP, 100: USUAL_CLIP, 500: "200k"}

START_SECONDS = 180
PAUSE_SECONDS = 30
CALL_SECONDS = 10  # that calls are counted; shorter catches or misses what is done now and then
# libavformat's parser and those who join a frame's packets by their time give a frame out when the
# next one has begun: at a stop the last frames of a camera that has fallen silent are not recorded.
UNFINISHED_FRAMES = 2


def make_clip(folder, name):
    path = folder / f"{name}.mp4"
    if path.exists():
        return path
    size, rate, noise = CLIPS[name]
    folder.mkdir(parents=True, exist_ok=True)
    print(f"making a clip of {size}, {rate / 1e6:g} Mbit/s", flush=True)
    gop = FPS * GOP_SECONDS
    subprocess.run(
        ["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i",
         f"testsrc2=s={size}:r={FPS},{noise},format=yuv420p", "-t", str(CLIP_SECONDS),
         "-c:v", "libx265", "-preset", "ultrafast", "-b:v", str(rate), "-maxrate", str(rate),
         "-bufsize", str(rate), "-tag:v", "hvc1", "-x265-params",
         f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:open-gop=0:info=0:log-level=error",
         "-f", "mp4", path.with_suffix(".part")], check=True)
    path.with_suffix(".part").rename(path)
    return path


class Load:
    """The load generator."""

    def __init__(self, program, clip, count, wire):
        self.process = subprocess.Popen([program, clip, str(count), wire], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.answer().split()[1])
        words = self.answer().split()
        self.frames_per_second = int(words[2]) * 1e6 / int(words[6])

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("rtspload has ended")
        return line

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def status(self):
        self.say("status")
        words = self.answer().split()
        return {name: int(value) for name, value in zip(words[::2], words[1::2])}

    def counts(self):
        """[{"frames": …, "dropped": …, "connections": …}, …] by camera"""
        self.say("counts")
        cameras = []
        while (line := self.answer()) != "end\n":
            words = line.split()
            cameras.append({name: int(value) for name, value in zip(words[::2], words[1::2])})
        return cameras

    def pause(self):
        """Returns when every frame that was begun is sent."""
        self.say("pause")
        self.answer()
        end = time.monotonic() + PAUSE_SECONDS
        while self.status()["sending"] > 0:
            if time.monotonic() > end:
                raise RuntimeError("a recorder does not take the rest of a frame")
            time.sleep(0.05)

    def close(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait()


def await_playing(load, recorder, count):
    end = time.monotonic() + START_SECONDS
    while load.status()["playing"] < count:
        if not recorder.alive() or time.monotonic() > end:
            raise RuntimeError(f"{recorder.name}: {load.status()['playing']} of {count} cameras "
                               f"play; it said: {recorder.said()[-2000:]}")
        time.sleep(0.05)


def steady(load, recorder, warm_seconds, seconds):
    """The measured window, and all before it."""
    own, pids = [load.process.pid], recorder.pids()
    time.sleep(warm_seconds)
    begin, begin_status, begin_busy = time.monotonic(), load.status(), measure.machine_busy()
    begin_cpu, begin_load = measure.cpu_seconds(pids), measure.cpu_seconds(own)
    time.sleep(seconds)
    end_status, end_cpu = load.status(), measure.cpu_seconds(pids)
    took = time.monotonic() - begin
    cpu, load_cpu = end_cpu - begin_cpu, measure.cpu_seconds(own) - begin_load
    busy = measure.machine_busy() - begin_busy
    return {"seconds": took, "bytes": end_status["bytes"] - begin_status["bytes"],
            "frames": end_status["frames"] - begin_status["frames"],
            "expected_frames": load.frames_per_second * recorder.count * took,
            "cpu_seconds": cpu, "load_cpu_seconds": load_cpu,
            "other_cpu_seconds": max(0, busy - cpu - load_cpu),
            "whole_bytes": end_status["bytes"], "whole_cpu_seconds": end_cpu,
            "whole_frames": end_status["frames"], "whole_dropped": end_status["dropped"],
            "memory": measure.memory(pids), "processes": len(pids)}


def stop(load, recorder):
    """All that was sent is to be in the files. Returns what the load generator has sent."""
    load.pause()
    time.sleep(recorder.drain_seconds)
    sent = load.counts()
    recorder.request_stop()
    if recorder.hangs_on:
        load.close()
    recorder.wait()
    return sent


def losses(sent, written):
    return {"frames_sent": sum(camera["frames"] for camera in sent),
            "frames_written": sum(written),
            "frames_dropped": sum(camera["dropped"] for camera in sent),
            "frames_lost": sum(max(0, camera["frames"] - frames - UNFINISHED_FRAMES) +
                               camera["dropped"] for camera, frames in zip(sent, written)),
            "reconnects": sum(camera["connections"] - 1 for camera in sent)}


def run(options, kind, clip, count, wire):
    """One recorder once; a dictionary of what was measured."""
    folder = options.out / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()
    load = Load(options.rtspload, clip, count, wire)
    recorder = kind(options, load.port, count, folder)
    result = {"recorder": kind.name, "label": kind.label, "cameras": count, "wire": wire}
    try:
        recorder.start(lambda n: await_playing(load, recorder, n))
        result.update(steady(load, recorder, options.warm, options.seconds))
        result["system_calls"] = measure.system_calls(recorder.pids(),
                                                      min(CALL_SECONDS, options.seconds))
        if not recorder.alive():
            raise RuntimeError(f"{kind.name} has ended: {recorder.said()[-2000:]}")
        sent = stop(load, recorder)
        result.update(losses(sent, recorder.frames()))
    except subprocess.TimeoutExpired as error:
        result["failure"] = f"{kind.name} did not end within {error.timeout} s"
    except (RuntimeError, OSError) as error:
        has_ended = isinstance(error, OSError) and not recorder.alive()
        result["failure"] = (f"{kind.name} has ended: {recorder.said()[-2000:]}" if has_ended
                             else str(error))
    finally:
        recorder.kill()
        load.close()
        recorder.output.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return result


def count_instructions(options, clip):
    """User instructions per byte of one camera's video."""
    folder = options.out / "callgrind"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    load = Load(options.rtspload, clip, 1, "burst")
    recorder = recorders.RtsprecdCallgrind(options, load.port, 1, folder)
    try:
        recorder.start(lambda n: await_playing(load, recorder, n))
        time.sleep(2 * options.warm)
        pid = recorder.pids()[0]
        measure.callgrind(pid, True)
        before = load.status()["bytes"]
        time.sleep(options.seconds)
        after = load.status()["bytes"]
        measure.callgrind(pid, False)
        stop(load, recorder)
        return measure.callgrind_instructions(folder) / (after - before)
    finally:
        recorder.kill()
        load.close()
        recorder.output.close()
        shutil.rmtree(folder, ignore_errors=True)


def camera_counts(text):
    numbers = [int(word) for word in text.split(",")]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected numbers of cameras from 1 on")
    return numbers


def words_of(allowed):
    def parse(text):
        words = text.split(",")
        for word in words:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"{word}: expected of {', '.join(allowed)}")
        return words
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for program in ("rtsprecd", "rtspload", "floor"):
        parser.add_argument(f"--{program}", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, default=Path("bench"), metavar="DIRECTORY",
                        help="recorded into, and clips are kept there; its disk matters (bench)")
    parser.add_argument("--cameras", default=list(COUNTS), type=camera_counts,
                        metavar="N,…", help="1,10,100,500; any number")
    parser.add_argument("--wires", default=["burst", "wire"], type=words_of(("burst", "wire")),
                        metavar="WIRE,…", help="burst,wire")
    parser.add_argument("--recorders", default=["rtsprecd", "ffmpeg", "gstreamer-one", "floor"],
                        type=words_of(recorders.ALL), metavar="NAME,…",
                        help="rtsprecd,ffmpeg,gstreamer-one,floor; also rtsprecd-libavformat, "
                             "gstreamer")
    parser.add_argument("--seconds", type=float, default=20, help="measured per run (20)")
    parser.add_argument("--warm", type=float, default=5,
                        help="seconds before that, when all cameras play (5)")
    parser.add_argument("--rounds", type=int, default=1,
                        help="runs of each; the one with the median CPU time counts (1)")
    parser.add_argument("--clip", type=Path, help="an mp4 or mkv for all runs; video only")
    parser.add_argument("--codec", choices=("h264", "h265"), default="h265",
                        help="of --clip (h265)")
    parser.add_argument("--no-callgrind", action="store_true", help="count no instructions")
    parser.add_argument("--keep", action="store_true", help="leave the last run's files")
    parser.add_argument("--expect-lossless", action="store_true",
                        help="fail when a run fails or a frame is lost")
    parser.add_argument("--write-docs", type=Path, metavar="DIRECTORY",
                        help="write the tables and plots into performance.md and .svg there")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="source",
                        help="measure nothing; report what a run has left in OUT/results.json")
    options = parser.parse_args()
    options.out = options.out.resolve()
    if options.write_docs and not report.can_write(options.write_docs):
        parser.error(f"{options.write_docs}: no performance.md with the marks of cost.py")
    return options


def measure_all(options):
    """Leaves what there is in results.json after each run."""
    document = report.Document.of_this_machine(options.out)
    for wire in options.wires:
        for count in options.cameras:
            clip = options.clip or make_clip(options.out / "clips",
                                             COUNTS.get(count, USUAL_CLIP))
            for _ in range(options.rounds):
                for name in options.recorders:
                    document.results.append(run(options, recorders.ALL[name], clip, count, wire))
                    print(report.one_line(document.results[-1]), flush=True)
                    document.save(options.out / "results.json")
    if not options.no_callgrind:
        clip = options.clip or make_clip(options.out / "clips", USUAL_CLIP)
        try:
            document.instructions = count_instructions(options, clip)
        except RuntimeError as error:  # no valgrind knows all processors
            print(f"instructions are not counted: {error}", file=sys.stderr)
        document.save(options.out / "results.json")
    return document


def main():
    options = parse_arguments()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    options.out.mkdir(parents=True, exist_ok=True)
    document = report.Document.load(options.source) if options.source else measure_all(options)
    print("\n" + document.markdown())
    if options.write_docs:
        document.write(options.write_docs)
    if options.expect_lossless and any(result.get("failure") or result["frames_lost"]
                                       for result in document.results):
        sys.exit("a run failed or frames were lost")


if __name__ == "__main__":
    main()
