"""What an archive's catalog and ledger say, as rtsprecd's commands tell it."""

import datetime
import json
import math

from harness import program, run


def _ask(*words):
    result = run(program("RTSPRECD"), *words, "--json")
    if result.returncode != 0 or result.stderr:
        raise AssertionError(f"{words}: {result.returncode} {result.stderr}")
    return json.loads(result.stdout)


def unix_seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def segments(archive, camera=None):
    """All that the catalog holds, the oldest first."""
    words = [camera] if camera else []
    return _ask("list", *words, "--archive", archive)["segments"]


class Span:
    """A time and why it is recorded or missing; seconds since 1970."""

    def __init__(self, span):
        self.begin, self.end = unix_seconds(span["start"]), unix_seconds(span["end"])
        self.reason = span["reason"]

    def __repr__(self):
        return f"{self.reason} {self.end - self.begin:.2f} s from {self.begin:.2f}"


def coverage(archive, camera, begin, end):
    """The spans of a camera from begin to end, seconds since 1970, which are made whole seconds.

    Every moment has exactly one reason, and the percentages are 100.0 together.
    """
    def text(seconds):
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
            "%Y-%m-%dT%H:%M:%SZ")
    begin, end = math.floor(begin), math.floor(end)
    [view] = _ask("coverage", camera, "--archive", archive, "--from", text(begin), "--to",
                  text(end))["cameras"]
    spans = [Span(span) for span in view["spans"]]
    assert view["camera"] == camera
    assert abs(spans[0].begin - begin) < 1e-6 and abs(spans[-1].end - end) < 1e-6, spans
    for a, b in zip(spans, spans[1:]):
        assert a.end == b.begin and a.reason != b.reason, (a, b)
    assert all(span.begin < span.end for span in spans), spans
    reasons = view["reasons"]
    assert round(sum(reason["percent"] for reason in reasons.values()), 6) == 100, reasons
    for name, reason in reasons.items():
        length = sum(span.end - span.begin for span in spans if span.reason == name)
        assert abs(length - reason["seconds"]) < 1e-3, (name, length, reason)
    return spans
