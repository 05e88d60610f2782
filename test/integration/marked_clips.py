"""Clips that are made by the test itself: each frame shows its number as a bar code, as in
test/camera/clips.cmake, and a burst of sound begins with each second; and what of that is in files
made of them (picture_check.c)."""

import statistics

from harness import program, run

# Into a file: what sounds before may have begun before the file's first packet of AAC, which at 8 kHz
# lasts 128 ms, or be lost in the decoder's first one.
SETTLED_S = 0.4

BAR_CODE = ("nullsrc=s=20x1:r={rate},format=gray,geq=lum='if(bitand(N,pow(2,X)),235,16)',"
            "scale={width}:{height}:flags=neighbor")
ENCODERS = {
    "h264": "-c:v libx264 -preset ultrafast -crf 14 -bf 0 -g 50",
    "h264b": "-c:v libx264 -preset ultrafast -crf 14 -bf 2 -g 50 -b_strategy 0",
    "h265": "-c:v libx265 -preset ultrafast -crf 14 -tag:v hvc1 -x265-params "
            "bframes=0:keyint=50:log-level=none",
    "h265b": "-c:v libx265 -preset ultrafast -crf 14 -tag:v hvc1 -x265-params "
             "bframes=2:b-adapt=0:keyint=50:log-level=none",
    "mjpeg": "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p",
}
# Parts of G.711 as cameras send them.
SOUNDS = {
    "pcm_alaw": (8000, "-filter:a asetnsamples=n=160 -c:a pcm_alaw"),
    "aac": (32000, "-c:a aac -b:a 64k"),
}
# More to code on every picture than there are bits for.
NOISE = "noise=alls=10:allf=t"


def make_clip(file, source, sound, rate, size=(640, 360), seconds=5, effect="null"):
    """A clip of testsrc2; sound: "none" or of SOUNDS, rate: text."""
    width, height = size
    bar_code = BAR_CODE.format(rate=rate, width=width // 2, height=16 * width // 640)
    words = ["ffmpeg", "-y", "-nostdin", "-v", "error",
             "-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r={rate},{effect}",
             "-f", "lavfi", "-i", bar_code]
    sound_words = []
    if sound != "none":
        sample_rate, encoder = SOUNDS[sound]
        words += ["-f", "lavfi", "-i", r"aevalsrc=0.5*sin(2*PI*1000*t)*lt(mod(t\,1)\,0.1):s="
                  f"{sample_rate}"]
        sound_words = ["-map", "2:a", *encoder.split()]
    words += ["-filter_complex", "[0:v][1:v]overlay,format=yuv420p[v]", "-map", "[v]",
              *ENCODERS[source].split(), *sound_words]
    result = run(*words, "-t", seconds, file)
    assert result.returncode == 0, result.stderr
    return file


def look(clip, file):
    """Frames, (µs, number, mean square error), and when bursts of sound begin, µs."""
    result = run(program("PICTURE_CHECK"), clip, file)
    assert result.returncode == 0, f"{file}: {result.stderr}"
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    return ([(int(row[1]), int(row[2]), float(row[3])) for row in rows if row[0] == "v"],
            [int(row[1]) for row in rows if row[0] == "a"])


def _of_a_second(seconds):
    """From -0.5 to 0.5: clips begin anew after whole seconds, and bursts are alike."""
    return (seconds + 0.5) % 1 - 0.5


def picture_delay(shown, rate):
    """How much later pictures are seen than they were taken, as their numbers tell: seconds, in
    the mean over the file, but for whole seconds."""
    firsts = {}
    for at_us, number, _ in shown:
        firsts.setdefault(number, at_us / 1e6 - number / rate)
    delays = list(firsts.values())
    return delays[0] + statistics.mean(_of_a_second(one - delays[0]) for one in delays)


def skews(shown, bursts, rate):
    """How much later than the picture each burst is heard, seconds."""
    delay = picture_delay(shown, rate)
    return [_of_a_second(at_us / 1e6 - delay) for at_us in bursts if at_us / 1e6 > SETTLED_S]
