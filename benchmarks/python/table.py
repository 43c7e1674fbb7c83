"""Prints what run.sh has measured as one Markdown table. usage: table.py DIRECTORY"""

import json
import pathlib
import sys

MODES = ["carrier", "virtual", "platform"]


def java(directory, mode):
    """({row: median}, {row: bytes per operation}) of one JMH result, empty if there is none."""
    times, sizes = {}, {}
    result = directory / f"{mode}.json"
    if result.exists():
        for benchmark in json.loads(result.read_text()):
            row = benchmark["benchmark"].rsplit(".", 1)[1]
            times[row] = benchmark["primaryMetric"]["scorePercentiles"]["50.0"]
            sizes[row] = benchmark["secondaryMetrics"]["gc.alloc.rate.norm"]["score"]
    parked = directory / f"{mode}.parked"
    if parked.exists():
        words = parked.read_text().split()
        times.update((row, float(size)) for row, size in zip(words[::2], words[1::2]) if size != "n/a")
    return times, sizes


def number(value):
    return "" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def main():
    directory = pathlib.Path(sys.argv[1])
    python = json.loads((directory / "python.json").read_text())
    version = python.pop("python")
    columns = [(mode, *java(directory, mode)) for mode in MODES if (directory / f"{mode}.json").exists()]
    rows = list(python) + [row for _, times, _ in columns for row in times]
    header = ["row", f"CPython {version}"]
    for mode, _, _ in columns:
        header += [mode, "times faster", "B/op"]
    table = [header]
    for row in sorted(set(rows), key=lambda row: (row.startswith("parked"), rows.index(row))):
        cells = [row, number(python.get(row))]
        for _, times, sizes in columns:
            ratio = python[row] / times[row] if row in times and row in python else None
            cells += [number(times.get(row)), number(ratio), number(sizes.get(row))]
        table.append(cells)
    widths = [max(len(line[i]) for line in table) for i in range(len(header))]
    for i, line in enumerate(table):
        print("| " + " | ".join(cell.rjust(w) if j else cell.ljust(w) for j, (cell, w) in enumerate(zip(line, widths))) + " |")
        if i == 0:
            print("|" + "|".join("-" * (w + 1) + (":" if j else "-") for j, w in enumerate(widths)) + "|")


if __name__ == "__main__":
    main()
