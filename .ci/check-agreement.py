#!/usr/bin/env python3
"""Do all forms of a recording tell the same? Reads each with a reader of its own and compares samples and the top ten.

usage: check-agreement.py WASMSCOPE FOLDER PROFILE.pb.gz...

Of each recording every form is written to FOLDER. Compared are the number of CPU samples, and of each function the samples
in which it ran itself, by name: all of them, so the top ten too. GO names the go command for its pprof; without it that
reader is left out, and said so.
"""
import base64
import collections
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

FORMS = ["folded", "svg", "firefox.json", "speedscope.json", "perfetto.json", "html"]


def plain(name):
    """A name as folded stacks have it: no semicolon, and no number at its end that could be taken for the count."""
    return re.sub(r" (?=[\d.]+$)", "_", name.replace(";", ","))


def of_folded(text):
    own = collections.Counter()
    for line in text.splitlines():
        stack, count = line.rsplit(" ", 1)
        own[re.sub(r"_\[i\]$", "", stack.rsplit(";", 1)[-1])] += int(count)
    return own


def of_svg(text):
    """Each box has its place in samples: what the boxes above it leave free is its own."""
    boxes = []
    for group in xml.etree.ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}g"):
        title, rect = (group.find("{http://www.w3.org/2000/svg}" + tag) for tag in ("title", "rect"))
        if rect is None:
            continue
        place = {key.rsplit("}", 1)[-1]: value for key, value in rect.attrib.items()}
        [start] = [int(value) for key, value in rect.attrib.items() if key.endswith("}x")]
        name = re.sub(r" \([\d,]+ samples?, [\d.]+%\)$", "", title.text.split("\n")[0])
        boxes.append((float(place["y"]), start, int(place["w"]), name))
    rows = collections.defaultdict(list)
    for y, start, width, name in boxes:
        rows[y].append((start, width, name))
    heights = sorted(rows, reverse=True)
    own = collections.Counter()
    for y, above in zip(heights, heights[1:] + [None]):
        for start, width, name in rows[y]:
            inside = [w for x, w, _ in rows.get(above, []) if start <= x < start + width]
            own[name] += width - sum(inside)
    del own["all"]
    return own


def of_firefox(text):
    own = collections.Counter()
    for thread in json.loads(text)["threads"]:
        if thread["samples"]["weightType"] != "samples":
            continue
        for stack, weight in zip(thread["samples"]["stack"], thread["samples"]["weight"]):
            if stack is not None:
                function = thread["frameTable"]["func"][thread["stackTable"]["frame"][stack]]
                own[thread["stringArray"][thread["funcTable"]["name"][function]]] += weight
    return own


def of_speedscope(text, period):
    file = json.loads(text)
    own = collections.Counter()
    for profile in file["profiles"]:
        if not re.search(r" \((wait|ready)\)$", profile["name"]):
            for stack, weight in zip(profile["samples"], profile["weights"]):
                own[file["shared"]["frames"][stack[-1]]["name"]] += weight / period
    return collections.Counter({name: round(count) for name, count in own.items()})


def of_perfetto(text):
    own = collections.Counter()
    open_slices = collections.defaultdict(list)
    for event in json.loads(text)["traceEvents"]:
        if event["ph"] == "B":
            open_slices[event["tid"]].append(event["name"])
        elif event["ph"] == "E":
            name = open_slices[event["tid"]].pop()
            own[name] += event["args"].get("self", 0) if "samples" in event["args"] else 0
    return own


def page_data(text):
    packed = re.search(r'id="data">([^<]*)<', text).group(1)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def of_html(data):
    cpu = [event["name"] for event in data["events"]].index("cpu")
    own = collections.Counter()
    rows = data["rows"]
    for node, event, value in zip(rows["node"], rows["event"], rows["value"]):
        if event == cpu:
            own[data["functions"]["name"][data["frames"]["function"][data["nodes"]["frame"][node]]]] += value
    return own


def of_go_pprof(go, profile):
    command = [go, "tool", "pprof", "-raw", "-symbolize=none", profile]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    samples, locations = lines.index("Samples:") + 2, lines.index("Locations")
    innermost = {}
    for line in lines[locations + 1 : lines.index("Mappings")]:
        if match := re.match(r"\s*(\d+): 0x[0-9a-f]+ (?:M=\d+ )?(.*?) \S*:\d+:\d+ s=\d+", line):
            innermost[match[1]] = match[2]
    columns = lines[samples - 1].split()
    [index] = [at for at, column in enumerate(columns) if column.startswith("samples/")]
    own = collections.Counter()
    for line in lines[samples:locations]:
        if match := re.match(r"\s*([\d ]+): (\d+)", line):
            own[innermost[match[2]]] += int(match[1].split()[index])
    return own


def main():
    wasmscope, folder, profiles = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    folder.mkdir(parents=True, exist_ok=True)
    go = shutil.which(os.environ.get("GO", "go"))
    if not go:
        print("check-agreement: without Go's pprof, which is not here")
    failed = 0
    for profile in profiles:
        name = pathlib.Path(profile).name.removesuffix(".pb.gz")
        paths = {form: folder / f"{name}.{form}" for form in FORMS}
        outputs = [word for path in paths.values() for word in ("-o", str(path))]
        subprocess.run([wasmscope, "report", "--force", "--adapters", profile, *outputs], check=True, stderr=subprocess.DEVNULL)
        text = {form: path.read_text() for form, path in paths.items()}
        data = page_data(text["html"])
        seen = {
            "folded": of_folded(text["folded"]),
            "svg": of_svg(text["svg"]),
            "firefox": of_firefox(text["firefox.json"]),
            "speedscope": of_speedscope(text["speedscope.json"], data["period"]),
            "perfetto": of_perfetto(text["perfetto.json"]),
            "html": of_html(data),
        }
        if go:
            seen["go pprof"] = of_go_pprof(go, profile)
        seen = {form: merged(own) for form, own in seen.items()}
        expected = seen["folded"]
        top = ", ".join(f"{name} {count}" for name, count in expected.most_common(3))
        print(f"check-agreement: {name}: {sum(expected.values())} samples of {len(expected)} functions; {top}, ...")
        for form, own in seen.items():
            if own != expected:
                failed += 1
                print(f"  {form} differs: more {dict((own - expected).most_common(5))}, less {dict((expected - own).most_common(5))}")
    print(f"check-agreement: {len(profiles)} recordings, {failed} forms that differ")
    sys.exit(failed > 0)


def merged(own):
    """Without functions that never ran themselves, under the names that folded stacks have."""
    plainly = collections.Counter()
    for name, count in own.items():
        plainly[plain(name)] += count
    return +plainly


if __name__ == "__main__":
    main()
