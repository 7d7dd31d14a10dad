#!/usr/bin/env bash
# Clean build time of what a build script links: topoc with the feature codegen alone, beside prost-build.
# Usage: benches/build-time.sh [RUNS]     each run builds both, in turn, from nothing; the network is used once
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-3}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/topoc-build-time.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

package() {
  mkdir -p "$scratch/$1/src"
  echo 'fn main() {}' | tee "$scratch/$1/build.rs" > "$scratch/$1/src/main.rs"
  printf '[package]\nname = "%s"\nedition = "2024"\n[workspace]\n[build-dependencies]\n%s\n' "$1" "$2" > "$scratch/$1/Cargo.toml"
}
package with-topoc "topoc = { path = \"$PWD\", default-features = false, features = [\"codegen\"] }"
package with-prost 'prost-build = "0.14"'
cp Cargo.lock "$scratch/with-topoc/"
for name in with-topoc with-prost; do cargo fetch --quiet --manifest-path "$scratch/$name/Cargo.toml"; done

# Milliseconds of wall time and of processor time for a build from nothing.
build() {
  rm -rf "$scratch/target"
  local start cpu
  start=$(date +%s%N)
  cpu=$( { TIMEFORMAT='%U %S'; time CARGO_TARGET_DIR="$scratch/target" cargo build --quiet --offline \
    --manifest-path "$scratch/$1/Cargo.toml" 2>/dev/null; } 2>&1 )
  awk -v wall=$(($(date +%s%N) - start)) '{ printf "%d %d\n", wall / 1e6, ($1 + $2) * 1000 }' <<< "$cpu"
}

for run in $(seq "$runs"); do
  read -r topoc_wall topoc_cpu < <(build with-topoc)
  read -r prost_wall prost_cpu < <(build with-prost)
  printf 'run %d: topoc %5d ms (%5d ms of processor), prost-build %5d ms (%5d ms of processor)\n' \
    "$run" "$topoc_wall" "$topoc_cpu" "$prost_wall" "$prost_cpu"
  echo "$topoc_wall $topoc_cpu $prost_wall $prost_cpu" >> "$scratch/runs"
done
awk '{ w += $1 / $3; c += $2 / $4 } END { printf "topoc / prost-build: %.2f of the wall time, %.2f of the processor time\n", w / NR, c / NR }' "$scratch/runs"
for name in with-topoc with-prost; do
  printf '%s links %d crates\n' "$name" "$(cargo tree --offline --prefix none --edges normal,build --manifest-path "$scratch/$name/Cargo.toml" | sort -u | wc -l)"
done
