#!/bin/sh
# From nothing to the model file: `make model`. Hours; MODEL_MINUTES says how many minutes of training.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=${MODEL_WORK:-$here/../../target/model}
minutes=${MODEL_MINUTES:-600}
shards=${MODEL_SHARDS:-24}
clips=2500

for tool in python3 espeak-ng cargo; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: install it (Debian: apt-get install $tool)" >&2; exit 1; }
done
[ -e /usr/share/dict/ngerman ] || echo "without Debian's wngerman the random words come from the sentences alone" >&2

mkdir -p "$work/clips"
work=$(cd "$work" && pwd)
if [ ! -x "$work/python/bin/python" ]; then
    python3 -m venv "$work/python"
    "$work/python/bin/pip" --quiet install -r "$here/requirements.txt"
fi
python=$work/python/bin/python
cd "$here"

# MODEL_TEXTS names further files of sentences, one a line (…en.txt for English) or JSON lines.
shard=1
while [ "$shard" -le "$shards" ]; do
    file=$work/clips/$(printf '%03d' "$shard").pt
    # shellcheck disable=SC2086
    [ -e "$file" ] || "$python" clips.py "$file" "$clips" "$shard" ${MODEL_TEXTS:+--texts $MODEL_TEXTS}
    shard=$((shard + 1))
done
[ -e "$work/held.pt" ] || "$python" clips.py "$work/held.pt" 200 9000 --held sentences

if [ ! -e "$work/run/done" ]; then
    "$python" train.py "$work/run" --clips "$work/clips/*.pt" --held "$work/held.pt" --minutes "$minutes" \
        --threads "$(nproc)"
    touch "$work/run/done"
fi
"$python" export.py "$work/run/checkpoint.pt" "$work/callcentre-de-synth-q5_1.bin"

(cd ../.. && cargo build --release --example transcribe)
[ -e "$work/sets" ] || "$python" evaluate.py make "$work/sets"
"$python" evaluate.py read "$work/sets" ../callcentre-de-synth-q5_1.bin "$work/callcentre-de-synth-q5_1.bin" --worst 3
echo "The shipped model first, then the new one, $work/callcentre-de-synth-q5_1.bin: copy it over the shipped one if it is better."
