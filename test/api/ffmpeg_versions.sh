#!/usr/bin/env bash
# Compiles the library, the examples and the simulated camera against the headers of other FFmpegs than the
# installed one: those of newer Debian suites, taken from the mirror that apt is configured with.
# Nothing is installed. Usage: ffmpeg_versions.sh SOURCE-DIRECTORY WORK-DIRECTORY [SUITE...]
set -euo pipefail

source=$1 work=$2
shift 2
suites=("$@")
((${#suites[@]} > 0)) || suites=(trixie sid)

# shellcheck disable=SC2016  # apt expands it
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
[[ -n $mirror ]] || {
    echo 'ffmpeg_versions.sh: apt knows no mirror; run apt-get update first' >&2
    exit 77
}

# headers SUITE: downloads and unpacks the -dev packages into $work/SUITE/root.
headers() {
    local directory=$work/$1
    mkdir -p "$directory/lists/partial" "$directory/cache/archives/partial" "$directory/root"
    echo "deb [trusted=yes] $mirror $1 main" >"$directory/sources.list"
    local options=(-q -o "Dir::Etc::SourceList=$directory/sources.list" -o Dir::Etc::SourceParts=-
        -o "Dir::State::Lists=$directory/lists" -o "Dir::Cache=$directory/cache"
        -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update >"$directory/apt.log" 2>&1
    (cd "$directory" && apt-get "${options[@]}" download libavformat-dev libavcodec-dev \
        libavutil-dev libswresample-dev libswscale-dev >>apt.log 2>&1)
    local package
    for package in "$directory"/*.deb; do
        dpkg -x "$package" "$directory/root"
    done
}

status=0
for suite in "${suites[@]}"; do
    headers "$suite" || {
        echo "ffmpeg_versions.sh: the headers of $suite could not be had" >&2
        exit 77
    }
    include=$(dirname "$(find "$work/$suite/root" -type d -name libavformat -print -quit)")
    version=$(basename "$(find "$work/$suite" -maxdepth 1 -name 'libavformat-dev_*.deb')" .deb)
    count=0
    while read -r file; do
        gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$include" \
            -I "$source/include" -I "$source/lib" "$file" || status=1
        count=$((count + 1))
    done < <(find "$source/lib" "$source/examples" "$source/test/camera" -name '*.c' ! -name gstcam.c)
    echo "$suite: $count files against $version"
done
exit "$status"
