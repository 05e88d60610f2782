#!/usr/bin/env python3
"""The table of keys (cmd/rtsprecd/keys.c), the schema, the example and the manual say the same."""
import argparse
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / "config" / "rtsprecd.schema.json").read_text())
EXAMPLE = ROOT / "config" / "rtsprecd.example.json"
MANUAL = (ROOT / "docs" / "configuration.md").read_text()
OPTIONS = argparse.Namespace()

CAMERA = SCHEMA["properties"]["cameras"]["items"]
LEVELS = {
    "top": SCHEMA,
    "global": SCHEMA["properties"]["global"],
    "camera": CAMERA,
    "recording": SCHEMA["$defs"]["recording"],
    "transcode": SCHEMA["$defs"]["transcode"],
    "timelapse": SCHEMA["$defs"]["timelapse"],
}


def resolve(schema):
    return SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def known_keys():
    """name -> the levels it may stand at, as the program knows them."""
    listing = subprocess.run([OPTIONS.dump, "--keys"], capture_output=True, text=True, check=True)
    keys = {}
    for name, *levels in map(str.split, listing.stdout.splitlines()):
        keys.setdefault(name, set()).update(levels)
    return keys


def values(level):
    """name -> schema of the keys of one level that hold a plain value."""
    for name, schema in LEVELS[level]["properties"].items():
        schema = resolve(schema)
        if schema.get("type") not in ("object", "array"):
            yield name, schema


def configuration(settings=None, recording=None):
    settings = dict(settings or {})
    settings["recording"] = {"videoOutPath": "/v", **(recording or {})}
    return {"global": settings, "cameras": [{"name": "a", "rtspUrl": "rtsp://cam/"}]}


class InStep(unittest.TestCase):
    maxDiff = None

    def dump(self, text):
        """Exit code and output of config_dump."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "c.json"
            path.write_text(text if isinstance(text, str) else json.dumps(text))
            result = subprocess.run([OPTIONS.dump, path], capture_output=True, text=True)
            return result.returncode, result.stdout

    def test_schema_has_the_keys(self):
        levels = {}
        for level, schema in LEVELS.items():
            self.assertIs(schema["additionalProperties"], False)
            for name in schema["properties"]:
                levels.setdefault(name, set()).add(level)
        self.assertEqual(levels, known_keys())

    def test_example_shows_the_keys(self):
        text = EXAMPLE.read_text()
        for name in known_keys():
            with self.subTest(name):
                self.assertIn(f'"{name}":', text)

    def test_example_shows_the_defaults(self):
        code, shown = self.dump(EXAMPLE.read_text())
        self.assertEqual(code, 0)
        plain = configuration()
        plain["global"]["recording"]["videoOutPath"] = "/var/lib/rtsprec"
        plain["cameras"][0].update(name="front-door", rtspUrl="rtsp://192.168.1.100:554/stream1")
        self.assertEqual(shown.split("backyard")[0], self.dump(plain)[1])

    def test_manual_has_a_row_for_each_key(self):
        rows = {}  # name -> its defaults, of all levels that have one of that name
        for name, default in re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|", MANUAL, re.M):
            rows.setdefault(name, []).append(default)
        self.assertEqual(set(rows) | {"global", "cameras", "recording", "transcode"}, set(known_keys()))
        for level in ("global", "camera", "recording", "transcode", "timelapse"):
            for name, schema in values(level):
                with self.subTest(name):
                    if "default" in schema:
                        self.assertIn(f'`{json.dumps(schema["default"])}`', rows[name])
                    else:
                        self.assertNotIn("`", "".join(rows[name]))

    def test_schema_has_the_defaults(self):
        defaults = {level: {name: schema["default"] for name, schema in values(level)
                            if "default" in schema} for level in LEVELS}
        recording = {**defaults["recording"], "transcode": defaults["transcode"],
                     "timelapse": defaults["timelapse"]}
        self.assertEqual(self.dump(configuration(defaults["global"], recording)),
                         self.dump(configuration(None, {"timelapse": {}})))

    def test_schema_has_the_ranges(self):
        for level in ("global", "recording", "transcode", "timelapse"):
            for name, schema in values(level):
                good, bad = list(schema.get("enum", [])), []
                if "enum" in schema:
                    bad = ["?", 1]
                if "minimum" in schema:
                    good += [schema["minimum"], schema["maximum"]]
                    bad += [schema["minimum"] - 0.01, schema["maximum"] + 1, "1"]
                if schema.get("type") == "integer":
                    bad.append(schema["minimum"] + 0.5)
                for value in good + bad:
                    with self.subTest(name, value=value):
                        keys = {name: value}
                        text = {"global": lambda: configuration(keys),
                                "recording": lambda: configuration(None, keys),
                                "transcode": lambda: configuration(
                                    None, {"transcode": {"alsoKeepPath": "/o", **keys}}),
                                "timelapse": lambda: configuration(None, {"timelapse": keys}),
                                }[level]()
                        self.assertEqual(self.dump(text)[0], 0 if value in good else 78)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--dump", type=Path, required=True)
    parser.parse_known_args(namespace=OPTIONS)
    OPTIONS.dump = OPTIONS.dump.resolve()
    unittest.main(argv=sys.argv[:1])
