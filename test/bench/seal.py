#!/usr/bin/env python3
"""What it costs to close a file of 300 s at 8 Mbit/s, beside what others do: a table.

    bench/seal.py BENCH_SEAL [DIRECTORY] [SECONDS]

BENCH_SEAL is the program of that name; the files are made in DIRECTORY (a temporary one), whose
file system decides much. `cmake --build build/release --target bench_seal_run` does it all.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True,
                          text=True).stdout


def make_clip(path):
    """10 s of noisy video with sound, which take the 8 Mbit/s."""
    run("ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i",
        "testsrc2=s=1280x720:r=25,noise=alls=60:allf=t,format=yuv420p", "-f", "lavfi", "-i",
        "sine=r=32000", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "8M", "-minrate", "8M",
        "-maxrate", "8M", "-bufsize", "4M", "-g", "50", "-bf", "0", "-x264-params", "nal-hrd=cbr",
        "-c:a", "aac", "-b:a", "48k", "-t", "10.24", path)


def seal(program, clip, out, seconds):
    return {name: int(value) for name, value in
            (line.split() for line in run(program, clip, out, seconds).splitlines())}


def others(source, out, *options):
    """Milliseconds and bytes of ffmpeg, syncing included, which is part of sealing."""
    begin = time.monotonic()
    run("ffmpeg", "-y", "-v", "error", "-i", source, "-c", "copy", *options, "-f", "mp4", out)
    run("sync", out)
    took = (time.monotonic() - begin) * 1e3
    size = out.stat().st_size
    out.unlink()
    return took, size


def main():
    program = Path(sys.argv[1])
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as directory:
        folder = Path(directory)
        clip, out = folder / "clip.mp4", folder / "sealed.mp4"
        make_clip(clip)
        runs = sorted((seal(program, clip, out, seconds) for _ in range(RUNS)),
                      key=lambda one: one["seal_us"])
        rows = [("seal", runs[RUNS // 2]["seal_us"] / 1e3, runs[RUNS // 2]["seal_bytes"]),
                ("repair after a crash", sorted(one["repair_us"] for one in runs)[RUNS // 2] / 1e3,
                 runs[0]["index_bytes"] + 16)]
        remux = sorted(others(out, folder / "other.mp4") for _ in range(3))[1]
        fast = sorted(others(out, folder / "other.mp4", "-movflags", "+faststart")
                      for _ in range(3))[1]
        rows += [("ffmpeg, remux", *remux), ("ffmpeg, remux +faststart", fast[0], 2 * fast[1])]
        one = runs[0]
        extra = one["file_bytes"] - one["payload_bytes"]
        print(f"{one['file_bytes'] / 1e6:.1f} MB, {one['duration_us'] / 1e6:.0f} s, "
              f"{one['payload_bytes'] * 8 / one['duration_us']:.2f} Mbit/s; slowest of {RUNS} "
              f"seals {runs[-1]['seal_us'] / 1e3:.1f} ms")
        print(f"beyond the payload: {extra} bytes, {100 * extra / one['payload_bytes']:.3f} %, "
              f"of which the index takes {one['index_bytes']} "
              f"({100 * one['index_bytes'] / one['payload_bytes']:.3f} %)")
        print(f"{'':28}{'ms':>10}{'bytes written':>16}")
        for name, took, written in rows:
            print(f"{name:28}{took:10.1f}{written:16,}")


if __name__ == "__main__":
    main()
