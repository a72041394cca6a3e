"""How fast models are fitted and customers scored: the library beside ``lifetimes``, in one run, by turns.

Run it with ``make bench`` or ``python benchmarks/clv.py``; see the README beside it. Where ``pymc-marketing`` is
installed, in this or another environment, ``--pymc PYTHON`` compares the posterior with its sampler.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import lifetimes
import numpy as np
import pandas as pd

from crm_lib.clv import BGNBD, ParetoNBD

CDNOW = Path(lifetimes.__file__).parent / "datasets" / "cdnow_customers_summary.csv"
TRUTH = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
"""BG/NBD parameters of CDNOW, from which the million customers are simulated."""
HORIZON = 39.0


def cdnow() -> pd.DataFrame:
    """The 2,357 customers of the CDNOW sample, as they ship with lifetimes."""
    return pd.read_csv(CDNOW, index_col="ID").rename(columns={"T": "age"})


def million(customers: int) -> pd.DataFrame:
    """Customers who came over twelve weeks and were followed for 27 to 39, in whole days."""
    rng = np.random.default_rng(20260101)
    age = rng.integers(27 * 7, 39 * 7 + 1, customers) / 7
    frame = BGNBD().with_parameters(**TRUTH).simulate(age, seed=1)
    # A repeat purchase is at least a day after the first, and recency a whole number of days.
    days = np.ceil(frame["recency"] * 7) / 7
    return pd.DataFrame({"frequency": frame["frequency"], "recency": np.minimum(days, frame["age"]), "age": age})


def alternating(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int, *, calls: int = 1
) -> tuple[float, float]:
    """Median seconds of processor time of a call of both, run by turns, each once before to warm up."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for contestant, function in enumerate((ours, theirs)):
            gc.collect()
            begin = time.process_time()
            for _ in range(calls):
                function()
            if turn:
                seconds[contestant].append((time.process_time() - begin) / calls)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def told(what: str, ours: float, theirs: float, promise: float) -> bool:
    """Print one comparison and whether it keeps the promise."""
    ratio = theirs / ours
    kept = ratio >= promise
    print(f"{what:<58}{ours:>10.4f} s{theirs:>10.4f} s{ratio:>8.1f} ×  ≥ {promise:g} ×  {'kept' if kept else 'MISSED'}")
    return kept


def fitted(fitter: type, data: pd.DataFrame) -> object:
    """A fitter of lifetimes, fitted."""
    return fitter().fit(data["frequency"], data["recency"], data["age"])


def agree(what: str, ours: object, theirs: object, tolerance: float) -> None:
    """Stop where results differ by more than a share."""
    mine, other = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    far = float(np.max(np.abs(mine - other) / np.maximum(np.abs(other), 1e-3)))
    if far > tolerance:
        raise SystemExit(f"{what}: results differ by {far:.2g}, more than {tolerance:g}")


def against_lifetimes(customers: int, repeats: int) -> bool:
    """Time fits and scores beside lifetimes."""
    sample, many = cdnow(), million(customers)
    peers = {BGNBD: lifetimes.BetaGeoFitter, ParetoNBD: lifetimes.ParetoNBDFitter}
    kept = True
    print(f"{'':<58}{'crm_lib':>12}{'lifetimes':>12}{'ratio':>10}")
    for model, promise in ((BGNBD, 25), (ParetoNBD, 20)):
        peer = peers[model]
        agree(model.__name__, model().fit(sample).params_, fitted(peer, sample).params_, 1e-2)
        times = alternating(lambda m=model: m().fit(sample), lambda p=peer: fitted(p, sample), 9, calls=5)
        kept &= told(f"{model.__name__}: fit of CDNOW (2,357 customers)", *times, promise)
    peer = lifetimes.BetaGeoFitter
    model, other = BGNBD().fit(many), fitted(peer, many)
    agree("BG/NBD on many", model.params_, other.params_, 1e-2)
    fit, peer_fit = alternating(lambda: BGNBD().fit(many), lambda: fitted(peer, many), repeats)
    kept &= told(f"BGNBD: fit of {customers:,} customers", fit, peer_fit, 100)
    begin = time.process_time()
    BGNBD().fit(many).posterior(draws=4000)
    kept &= told("… fit and posterior of 4,000 draws, against their fit", time.process_time() - begin, peer_fit, 1)
    columns = (many["frequency"], many["recency"], many["age"])
    same = BGNBD().with_parameters(**dict(other.params_))

    def ours() -> tuple[object, object]:
        return same.expected_purchases(many, HORIZON), same.probability_alive(many)

    def theirs() -> tuple[object, object]:
        expected = other.conditional_expected_number_of_purchases_up_to_time(HORIZON, *columns)
        return expected, other.conditional_probability_alive(*columns)

    for what, mine, peers_ in zip(("expected purchases", "P(alive)"), ours(), theirs(), strict=True):
        agree(what, mine, peers_, 1e-4)
    kept &= told(f"expected purchases and P(alive) of {customers:,}", *alternating(ours, theirs, repeats), 10)
    return kept


def peak_memory(customers: int) -> bool:
    """Measure the memory of a process that fits, draws and scores."""
    code = (
        "import resource, sys; import pandas as pd; from crm_lib.clv import BGNBD\n"
        "many = pd.read_parquet(sys.argv[1]); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "model = BGNBD().fit(many); model.posterior()\n"
        "model.expected_purchases(many, 39.0); model.probability_alive(many)\n"
        "print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "many.parquet"
        million(customers).to_parquet(file)
        run = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    before, peak = (int(size) / 1e6 for size in run.stdout.split())
    kept = peak < 1
    verdict = "kept" if kept else "MISSED"
    print(f"peak memory of fit, posterior and scores: {peak:.2f} GB ({before:.2f} GB before)  < 1 GB  {verdict}")
    return kept


PYMC = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import pandas as pd
from pymc_marketing.clv import BetaGeoModel
from pymc_extras.prior import Prior
data = pd.read_csv(sys.argv[1]).rename(columns={"ID": "customer_id"})
scale = float(data["T"].mean())
import numpy as np
wide = lambda mu, sd: Prior("LogNormal", mu=mu, sigma=sd)
config = {"r": wide(0.0, 2.0), "alpha": wide(float(np.log(scale)), 3.0), "a": wide(0.0, 2.0), "b": wide(0.0, 2.0)}
model = BetaGeoModel(data=data, model_config=config)
model.build_model()
begin = time.perf_counter()
trace = model.fit(method="mcmc", random_seed=1, progressbar=False)
seconds = time.perf_counter() - begin
posterior = trace.posterior
names = ["r", "alpha", "a", "b"]
print("RESULT" + json.dumps({"seconds": seconds, "mean": [float(posterior[n].mean()) for n in names],
    "sd": [float(posterior[n].std()) for n in names]}))
"""
"""The sampler of pymc-marketing, four chains as its documentation runs it, under the priors of crm_lib."""


def against_pymc(python: str) -> bool:
    """Compare the posterior of CDNOW with NUTS: speed, means and standard deviations."""
    run = subprocess.run([python, "-c", PYMC, str(CDNOW)], capture_output=True, text=True, check=False)
    lines = [line for line in run.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        print(f"pymc-marketing did not run: {run.stderr.strip().splitlines()[-1:]}")
        return False
    theirs = json.loads(lines[0].removeprefix("RESULT"))
    model = BGNBD().fit(cdnow())
    model.posterior()
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        drawn = model.posterior()
        seconds.append(time.perf_counter() - begin)
    kept = told("posterior of CDNOW, 4,000 draws, against NUTS", statistics.median(seconds), theirs["seconds"], 100)
    summary = drawn.summary()
    table = pd.DataFrame(
        {"mean": summary["mean"], "NUTS mean": theirs["mean"], "sd": summary["sd"], "NUTS sd": theirs["sd"]}
    )
    print(table.round(3).to_string())
    return kept


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pymc", metavar="PYTHON", help="interpreter of an environment with pymc-marketing")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    kept = against_lifetimes(options.customers, options.repeats)
    kept &= peak_memory(options.customers)
    if options.pymc:
        kept &= against_pymc(options.pymc)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"all promises kept: {'yes' if kept else 'no'} (this process, lifetimes included, used {own:.1f} GB)")


if __name__ == "__main__":
    main()
