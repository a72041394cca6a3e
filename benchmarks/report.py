"""What a report costs: made cold, made again, what follows from it, and plain papermill beside it.

python benchmarks/report.py [--company demo] [--notebook 09 ...]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crm_lib.reports.notebooks import all_notebooks, find_folder, select

CRM = [sys.executable, "-m", "crm_lib.cli"]
PAPERMILL = """import sys, papermill
papermill.execute_notebook(
    *sys.argv[1:3], {"company": sys.argv[3]}, kernel_name="python3", progress_bar=False
)"""
IMPORT = "import time; start = time.process_time(); {}; print(time.process_time() - start)"
ENGINE = "import crm_lib.company.tables, ibis; ibis.duckdb.connect()"
OPEN = f"{ENGINE}; from crm_lib.company import Company; start = time.process_time(); Company.open({{!r}})"
ALL = 13
"""Notebooks of the whole collection, which the targets of a cold report are meant for."""


def run(*command: str, **more: str) -> tuple[float, float, str]:
    """Run a command and return its time on the clock, its processor time with that of its children, its output."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, **more}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def typical(*command: str, inside: bool = False, **more: str) -> tuple[float, float]:
    """Return the medians of three runs; the processor time that the command tells of a part of it, if `inside`."""
    runs = [run(*command, **more) for _ in range(3)]
    processors = [float(output) if inside else spent for _, spent, output in runs]
    return statistics.median(clock for clock, *_ in runs), statistics.median(processors)


def main() -> int:
    """Measure everything, print it beside its target, and return 1 where one was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--company", default="demo")
    parser.add_argument("--notebook", action="append", default=[], help="instead of all; targets shrink with them")
    told = parser.parse_args()
    company, notebooks = told.company, select(all_notebooks(find_folder()), names=told.notebook, edition="all")
    print(f"{len(notebooks)} notebooks of '{company}'; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    rows: list[tuple[str, float, float, float | None, float | None]] = []
    with tempfile.TemporaryDirectory() as folder:
        kept, plain = {"CRM_CACHE": f"{folder}/kept"}, {"CRM_CACHE": f"{folder}/plain"}
        chosen = [word for each in notebooks for word in ("--notebook", each.key)]
        report = [*CRM, "report", company, "--reports", folder, *chosen]
        cold = run(*report, **kept)[:2]
        share = len(notebooks) / ALL
        rows.append(("cold report", *cold, 60 * share, 9.0 * len(notebooks)))
        rows.append(("the same report again", *typical(*report, **kept), 3.0, None))
        first = run(*CRM, "score", company, "--to", f"{folder}/scores.csv", **kept)[:2]
        customer = (Path(folder) / "scores.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
        rows.append(("crm score after a report", *first, 10.0, None))
        rows.append(("crm customer after a report", *typical(*CRM, "customer", company, customer, **kept), 2.0, None))
        opening = IMPORT.format(OPEN.format(company))
        for name, cache, most in (("from its copy", kept, 0.3), ("without a copy", {"CRM_CACHE": ""}, 1.5)):
            rows.append((f"opening, {name}", *typical(sys.executable, "-c", opening, inside=True, **cache), None, most))
        engine = typical(sys.executable, "-c", IMPORT.format(ENGINE), inside=True)
        rows.append(("loading pandas, Ibis and DuckDB before", *engine, None, None))
        rows.append(("crm --help", *typical(*CRM, "--help"), 0.4, None))
        segments = IMPORT.format("import crm_lib.segments")
        rows.append(("import crm_lib.segments", *typical(sys.executable, "-c", segments, inside=True), None, 1.0))
        papermill = [0.0, 0.0]
        for each in notebooks:
            target = f"{folder}/{each.path.name}"
            spent = run(sys.executable, "-c", PAPERMILL, str(each.path), target, company, **plain)
            papermill = [papermill[0] + spent[0], papermill[1] + spent[1]]
        rows.append(("plain papermill, one after another", papermill[0], papermill[1], None, None))
    missed = False
    print(f"{'':<40}{'clock':>9}{'processors':>12}   target")
    for name, clock, processors, most_clock, most_processors in rows:
        over = clock > (most_clock or clock) or processors > (most_processors or processors)
        limits = [
            f"{most:.1f} s {what}" for most, what in ((most_clock, "clock"), (most_processors, "processors")) if most
        ]
        verdict = f"{', '.join(limits)}: {'MISSED' if over else 'met'}" if limits else ""
        print(f"{name:<40}{clock:>7.1f} s{processors:>10.2f} s   {verdict}")
        missed |= over
    print(f"papermill over cold report: clock {papermill[0] / cold[0]:.2f}, processors {papermill[1] / cold[1]:.2f}")
    print(f"load {os.getloadavg()[0]:.1f} after")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
