"""Who changes brands: the matrix of switching, where it leads, and whom the company wins from and loses to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from crm_lib.company import Company
from crm_lib.customers import own_brands
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.satisfaction.answers import FEWEST
from crm_lib.satisfaction.weighting import RESAMPLES, estimated, percentile
from crm_lib.statistics.resampling import Floats

OTHERS: Final = "other brands"
_POINTS: Final = "percentage points"


@dataclass(frozen=True, kw_only=True, eq=False)
class Switching:
    """Who buys which brand next, of a panel of buyers; the own brand comes first.

    `matrix`: from (rows) to (columns), each an Estimate: share of a brand's buyers who buy each brand next. `flows`:
    the same in buyers, weighted. `net` by rival: ``won``, ``lost`` and ``net`` (Estimates: share of all buyers).
    `shares` by brand: ``now`` (of the last year's purchases), ``steady`` (where the matrix leads), ``change``.
    `balance` is the company's net gain from all rivals, `changed` the share of buyers who bought another brand than
    before, `concentration` the Herfindahl-Hirschman index of shares now (1 for one brand). `draws` holds the matrix and
    `draws_now` the shares of today, the estimate first, then resamples. `left_out` counts rows of the company's own
    customers, who are no sample of all buyers.
    """

    matrix: pd.DataFrame
    flows: pd.DataFrame
    net: pd.DataFrame
    shares: pd.DataFrame
    balance: Any
    changed: Any
    concentration: Any
    draws: Floats
    draws_now: Floats
    own: str
    buyers: int
    left_out: int
    since: dt.date
    as_of: dt.date


def brand_switching(company: Company, *, seed: int = 0) -> Switching:
    """Estimate how buyers switch between brands from a panel, and the shares to which it leads.

    Rows that name a customer of the company are left out: new customers and leavers alone would make every rival lose
    to the company, and the company lose nearly everybody. Brands with fewer than ten buyers are put together.

    Parameters
    ----------
    company : Company
        The company; needs ``switching`` with rows without a customer, and ``own`` of ``competitors``.
    seed : int
        Of the resamples.

    Raises
    ------
    TooLittleData
        If there is no panel, fewer than ten buyers of the own brand or of all rivals, or brands between which nobody
        moves, so that no steady state is there.
    """
    rows, own, left_out = _panel(company)
    brands = [own, *(name for name in rows["from_brand"].value_counts().index if name != own)]
    k, n = len(brands), len(rows)
    cells = rows["from_brand"].map(brands.index) * k + rows["to_brand"].map(brands.index)
    recent = (rows["observed_at"] > pd.Timestamp(company.as_of) - pd.Timedelta(days=365)).to_numpy()
    if recent.sum() < FEWEST:
        raise _too_little(say("has fewer than {least} purchases of panel members in the last year", least=FEWEST))
    # Weights drawn for buyers: no brand is ever without one, as in a bootstrap of whole rows it could be.
    drawn = np.vstack([np.ones(n), np.random.default_rng(seed).exponential(size=(RESAMPLES, n))])
    drawn *= rows["weight"].to_numpy(dtype=np.float64)
    flows = (drawn @ np.eye(k * k)[cells]).reshape(-1, k, k)
    draws = flows / flows.sum(axis=2, keepdims=True)
    if connected_components(draws[0] > 0, connection="strong")[0] > 1:
        raise _too_little(say("has brands between which nobody moves both ways: {names:words}", names=brands))
    now = (drawn[:, recent] @ np.eye(k)[cells[recent] % k]) / drawn[:, recent].sum(axis=1, keepdims=True)
    steady = steady_state(draws)
    parts = flows / flows.sum(axis=(1, 2), keepdims=True)
    won, lost = parts[:, 1:, 0], parts[:, 0, 1:]
    several = 1 - (1 - LEVEL) / (k - 1)

    def each(stack: Floats, level: float = LEVEL) -> list[Any]:
        return [percentile(one, n=n, unit="share", level=level) for one in stack.T]

    change = [percentile(100 * one, n=n, unit=_POINTS) for one in (steady - now).T]
    of = {name: rows[rows["from_brand"] == name] for name in brands}
    matrix = {
        start: [estimated(of[start], of[start]["to_brand"] == stop, kind="share") for stop in brands]
        for start in brands
    }
    rivals = pd.Index(brands[1:], name="brand")
    return Switching(
        matrix=pd.DataFrame.from_dict(matrix, orient="index", columns=brands),
        flows=pd.DataFrame(flows[0], brands, brands),
        net=pd.DataFrame({"won": each(won), "lost": each(lost), "net": each(won - lost, several)}, rivals),
        shares=pd.DataFrame({"now": each(now), "steady": each(steady), "change": change},
                            pd.Index(brands, name="brand")),
        balance=percentile((won - lost).sum(axis=1), n=n, unit="share"),
        changed=percentile(1 - np.einsum("bii->b", parts), n=n, unit="share"),
        concentration=percentile((now**2).sum(axis=1), n=n), draws=draws, draws_now=now, own=own, buyers=n,
        left_out=left_out, since=rows["observed_at"].min().date(), as_of=company.as_of,
    )  # fmt: skip


def steady_state(matrix: Floats) -> Floats:
    """Return the shares that a matrix of switching leaves as they are; matrices of shape (..., k, k)."""
    k = matrix.shape[-1]
    # Shares s with s (I - P) = 0 that sum to 1 are those with s (I - P + J) = 1, J all ones.
    return np.asarray(np.linalg.solve((np.eye(k) - matrix + 1.0).swapaxes(-1, -2), np.ones((k, 1)))[..., 0])


def _too_little(why: str) -> TooLittleData:
    return TooLittleData(say("table 'switching' {why}", why=why), table="switching")


def _panel(company: Company) -> tuple[pd.DataFrame, str, int]:
    names = [name for name in ("customer_id", "weight") if company.has("switching", name)]
    rows = company.frame("switching", "observed_at", "from_brand", "to_brand", *names)
    own = own_brands(company)
    if not own:
        raise MissingData("competitors", ["own"])
    rows["observed_at"] = pd.to_datetime(rows["observed_at"])
    rows["weight"] = rows["weight"].fillna(1.0).astype(float) if "weight" in rows else 1.0
    customers = rows["customer_id"].notna() if "customer_id" in rows else pd.Series(data=False, index=rows.index)
    panel = rows[~customers & (rows["weight"] > 0)].reset_index(drop=True)
    panel[["from_brand", "to_brand"]] = panel[["from_brand", "to_brand"]].replace(dict.fromkeys(own, own[0]))
    counts = panel["from_brand"].value_counts()
    kept = [name for name, n in counts.items() if n >= FEWEST]
    for side in ("from_brand", "to_brand"):
        panel[side] = panel[side].where(panel[side].isin(kept), OTHERS)
    if 0 < (panel["from_brand"] == OTHERS).sum() < FEWEST or OTHERS not in set(panel["from_brand"]):
        panel = panel[(panel["from_brand"] != OTHERS) & (panel["to_brand"] != OTHERS)].reset_index(drop=True)
    if own[0] not in kept or panel["from_brand"].nunique() < 2:
        raise _too_little(
            say("needs {least} buyers of '{own}' and of a rival who are not known customers (a panel); "
                "it has {n} rows without a customer", least=FEWEST, own=own[0], n=int((~customers).sum()))
        )  # fmt: skip
    panel["respondent"] = panel.index
    return panel, own[0], int(customers.sum())


def finding_net_gain(found: Switching) -> Finding:
    """Return whether the company wins more buyers from rivals than it loses to them."""
    nets: Any = found.net["net"].map(lambda one: one.value)
    most = str(nets.abs().idxmax())
    return Finding(
        key="environment.net_gain",
        claim="The company wins more buyers from rivals than it loses to them.",
        source="Textbook 4.2.2, stage 1: competitors",
        estimate=found.balance,
        criterion=Criterion(low=0.0),
        sentence="From one purchase to the next the company's net gain from rivals is {estimate} of all buyers; most "
        "of it {where} {brand}.",
        if_supported="Keep what wins them, and ask those who come from {brand} what made them change.",
        if_not_supported="Ask those who went to rivals, {brand} first, what they found there.",
        if_undecided="Gains and losses balance as far as the panel can tell: ask more buyers before acting on it.",
        values={"brand": most, "where": say("from") if nets[most] >= 0 else say("lost to")},
    )  # fmt: skip


def finding_steady_share(found: Switching) -> Finding:
    """Return whether the share of buyers holds if they go on switching as they do."""
    row: Any = found.shares.loc[found.own]
    return Finding(
        key="environment.steady_share",
        claim="If buyers go on switching as now, the company's share does not fall.",
        source="Textbook 4.2.2, stage 1: competitors; Rust, Lemon & Zeithaml 2004",
        estimate=row["change"],
        criterion=Criterion(low=0.0),
        sentence="Switching as now leads from {now} of buyers to {steady}: a change of {estimate}.",
        if_supported="Time is on our side: protect what keeps and wins buyers rather than buy share by discounts.",
        if_not_supported="The share will fall by itself. Raise staying before spending on new customers.",
        if_undecided="Plan with today's share: the panel shows no change to come.",
        values={"now": row["now"], "steady": row["steady"]},
    )  # fmt: skip
