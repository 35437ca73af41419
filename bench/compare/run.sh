#!/usr/bin/env bash
# Makes the tables and pictures of docs/experiments.md that compare programs.
# Run it on a quiet machine:
#
#   bench/compare/run.sh [short|long] [NAME...]
#
# short (the default) starts every cell 100 to 200 times and takes some five
# minutes once everything is compiled; long goes on until every median is known
# to 1 %. NAMEs are those of the comparisons below; without any, all of them.
# RUNS overrides how often each cell is started, at least and at most.
#
# Root: cold page caches, the root file systems debian:12 and musl, and docker
# take it. What is missing is left out and said. The two root file systems are
# those of `slipway rootfs add`, else what the end-to-end tests have made.
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=short
case "${1:-}" in short | long) mode=$1; shift ;; esac
wanted=("$@")
if [ $mode = short ]; then
  options=(--runs "${RUNS:-100}" --max-runs "${RUNS:-200}" --time-limit 55s)
else
  options=(--runs "${RUNS:-400}" --max-runs "${RUNS:-2000}" --precision 1%)
fi
pictures=docs/pictures
mkdir -p $pictures
tmp=$(mktemp -d)
engine=
finish() {
  [ -z "$engine" ] || { kill "$engine" && wait "$engine"; } 2>/dev/null || true
  while read -r _ _ _ _ at _; do
    case $at in "$tmp"/*) umount -l "$at" ;; esac
  done </proc/self/mountinfo
  rm -rf "$tmp"
}
trap finish EXIT
go build -o "$tmp/slipway" ./cmd/slipway
go build -o "$tmp/write" ./bench/compare
results=()

want() { [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]; }

compare() { # NAME, then the arguments of slipway compare
  local name=$1
  shift
  want "$name" || return 0
  echo "== $name: slipway compare $*"
  if "$tmp/slipway" compare "${options[@]}" --seed 1 "$@" --save "$tmp/$name.json" >"$tmp/$name.txt"; then
    results+=("$name=$tmp/$name.json")
    # The conclusions, for who looks on.
    sed -n '/^differences/,/^$/p' "$tmp/$name.txt"
  else
    echo "$name failed" >&2
    cat "$tmp/$name.txt" >&2
    failed=1
  fi
}

picture() { # NAME of a comparison, NAME of a picture
  [ -s "$tmp/$1.json" ] || return 0
  "$tmp/slipway" compare --from "$tmp/$1.json" --picture "$2=$pictures/compare-$1-$2.svg" >/dev/null
}

kept() { "$tmp/slipway" rootfs list | grep -q "^$1 "; }

failed=0

# Releases of Go, all the way back.
compare go --go 1.20,1.22,1.24,1.25,1.26 --strip on,off --probe http://:8080/ ./examples/hello
picture go sizes
picture go startup
picture go memory

# Bases.
bases=assembled,scratch
made=${XDG_CACHE_HOME:-$HOME/.cache}/slipway-ci
for pair in debian:12=debian-bookworm musl=musl; do
  name=${pair%%=*} dir=$made/root-${pair#*=}-$(go env GOARCH)
  kept "$name" || { [ -d "$dir" ] && "$tmp/slipway" rootfs add "$name" "$dir" >/dev/null; } || { echo "without $name: no such root file system"; continue; }
  bases=$bases,$name
done
compare base --base $bases --cache warm,cold ./examples/orders
picture base sizes
picture base startup

# What builds differ in.
compare cgo --cgo on,off ./examples/orders
picture cgo startup
compare amd64 --vary build.env.GOAMD64=v1,v3 ./examples/orders
compare compression --compression gzip,zstd --measure size ./examples/orders
if want pie; then
  for kind in exe pie; do
    CGO_ENABLED=0 go build -C examples/orders -trimpath -ldflags=-s -buildmode=$kind -o "$tmp/bin/$kind" .
  done
fi
# What is position-independent asks for a loader, which Debian has.
floor=(--runner none)
case $bases in *debian*) floor=(--base debian:12) ;; esac
compare pie --chdir "$tmp/bin" "${floor[@]}" --probe http://:8080/ exe pie
compare procs --run-env GOMAXPROCS=1,2 ./examples/orders

# How programs are started. Without an engine, one is started for this alone.
runners=none,namespaces
! command -v runc >/dev/null || runners=$runners,runc
if want runners; then
  if ! [ -S /var/run/docker.sock ] && [ -z "${DOCKER_HOST:-}" ] && command -v dockerd >/dev/null; then
    echo '{}' >"$tmp/daemon.json"
    dockerd --host "unix://$tmp/docker.sock" --data-root "$tmp/docker" --exec-root "$tmp/exec" \
      --pidfile "$tmp/docker.pid" --config-file "$tmp/daemon.json" \
      --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs >"$tmp/docker.log" 2>&1 &
    engine=$!
    export DOCKER_HOST=unix://$tmp/docker.sock
    for _ in $(seq 100); do [ -S "$tmp/docker.sock" ] && break; sleep 0.1; done
  fi
  runners=$runners,docker # says itself why it is not there
fi
compare runners --runner $runners --probe http://:8080/ ./examples/hello
picture runners startup

[ ${#results[@]} -eq 0 ] || "$tmp/write" -into docs/experiments.md "${results[@]}"
exit $failed
