#!/usr/bin/env python3
"""config/rtsprecd.service: systemd accepts it, and it holds what docs/ promises of it."""
import argparse
import configparser
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIP = 77
UNIT = Path(__file__).resolve().parent.parent.parent / "config" / "rtsprecd.service"
PROMISED = {
    "User": "rtsprec",
    "Restart": "always",
    "RestartSec": "10",
    "RestartPreventExitStatus": "64 78",
    "StateDirectory": "rtsprec",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "NoNewPrivileges": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtsprecd", type=Path, required=True)
    options = parser.parse_known_args()[0]

    unit = configparser.RawConfigParser(strict=True, allow_no_value=True)
    unit.optionxform = str
    unit.read(UNIT)
    service = dict(unit["Service"])
    for key, value in PROMISED.items():
        if service.get(key) != value:
            sys.exit(f"{UNIT.name}: {key}={service.get(key)}, expected {value}")
    command = service["ExecStart"].split()
    if command[1:] != ["--config", "/etc/rtsprec/config.json"]:
        sys.exit(f"{UNIT.name}: ExecStart={service['ExecStart']}")

    if shutil.which("systemd-analyze") is None:
        print("skipped: systemd-analyze is not installed")
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / UNIT.name
        # A link, since a path with a blank in it would need quoting.
        program = Path(folder) / "rtsprecd"
        program.symlink_to(options.rtsprecd.resolve())
        copy.write_text(UNIT.read_text().replace(command[0], str(program)))
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", copy],
                                capture_output=True, text=True)
    # It also speaks of other units of the machine; only what it says of this one counts.
    about = [line for line in result.stderr.splitlines() if "rtsprec" in line]
    print("\n".join(about))
    return 1 if about or (result.returncode != 0 and result.stderr == "") else 0


if __name__ == "__main__":
    sys.exit(main())
