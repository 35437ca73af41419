#!/usr/bin/env bash
# Makes the tables and pictures of docs/experiments.md that compare programs.
# Run it on a quiet machine, as root, with slipway in the PATH:
#
#   bench/compare/run.sh [DEBIAN_ROOT MUSL_ROOT]
#
# The two directories are root file systems; without them bases are compared
# without. RUNS and MAXRUNS set how often each cell is started.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${RUNS:-100} most=${MAXRUNS:-400}
out=docs/pictures
mkdir -p "$out"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

compare() { # NAME, then the arguments of slipway compare
  local name=$1
  shift
  echo "== slipway compare $*"
  slipway compare --runs "$runs" --max-runs "$most" --seed 1 "$@" --save "$tmp/$name.json"
}
picture() { slipway compare --from "$tmp/$1.json" --picture "$2=$out/compare-$3.svg" >"$tmp/log"; }

compare go --go 1.20,1.21,1.22,1.23,1.24,1.25,1.26,1.27 --strip on,off ./examples/hello
picture go sizes go-sizes
picture go startup go-startup

bases=assembled,scratch
[ $# -lt 2 ] || bases=$bases,$1,$2
compare base --base "$bases" --cache warm,cold ./examples/orders
picture base sizes base-sizes
picture base startup base-startup

compare cgo --cgo on,off ./examples/orders
picture cgo startup cgo-startup

compare amd64 --vary build.env.GOAMD64=v1,v3 ./examples/orders
compare compression --compression gzip,zstd --measure size ./examples/orders
picture compression transfer compression-transfer

CGO_ENABLED=0 go build -C examples/orders -trimpath -o "$tmp/exe" .
CGO_ENABLED=0 go build -C examples/orders -trimpath -buildmode=pie -o "$tmp/pie" .
compare pie --runner none --arg '-addr=127.0.0.1:{port}' --probe http://:8080/ "$tmp/exe" "$tmp/pie"
