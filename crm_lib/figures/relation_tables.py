"""Tables of the relations customers keep, with the labels and number forms readers see."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.relationships import KindsCheck, RelationalKinds, RelationshipMixture, SilenceRisk, Switching

_QUANTITIES = {
    "share": "Share of customers",
    "discounted_lines": "Order lines bought on discount",
    "other_channel": "Orders outside the usual channel",
    "reviews": "Orders reviewed",
    "ever_member": "Ever a member (at a middling number of orders)",
}


def kinds_evidence_table(mixture: RelationshipMixture) -> Table:
    """Return what tells the two kinds of customers apart.

    Parameters
    ----------
    mixture : RelationshipMixture
        The fitted mixture.

    Returns
    -------
    Table
        One row per quantity, with both kinds; the note says whether two kinds are visible at all.
    """
    frame = pd.DataFrame(
        {kind: mixture.params_["estimate"].xs(kind, level="kind") for kind in ("transactional", "relational")}
    )
    frame = frame.reindex([name for name in _QUANTITIES if name in frame.index])
    frame.index = pd.Index([language.text(_QUANTITIES[str(name)]) for name in frame.index], name="quantity")
    places = {
        "gain": language.number(mixture.bic_gain_, 0),
        "separation": language.share(mixture.separation_),
        "least": language.share(mixture.least_separation),
        "n": language.number(mixture.customers_, 0),
    }
    seen = (
        "Two kinds are visible among {n} customers: they describe them better than one kind does (BIC {gain} lower), "
        "and {separation} of the doubt about who is what is removed."
        if mixture.two_kinds_
        else "No two kinds are visible among {n} customers: BIC gains {gain} by them, and {separation} of the doubt "
        "about who is what is removed ({least} are asked for). The columns must not be read as kinds of customers."
    )
    return Table(
        name="kinds_evidence",
        title="What tells transactional from relational customers",
        frame=frame.astype(object),
        labels={"quantity": "Share", "transactional": "Transactional", "relational": "Relational"},
        note=language.text(seen).format(**places),
    )


def kinds_check_table(check: KindsCheck) -> Table:
    """Return how often customers were classified correctly, beside rules of thumb.

    Parameters
    ----------
    check : KindsCheck
        Kinds told against the truth.

    Returns
    -------
    Table
        One row per rule, the mixture first.
    """
    frame = check.frame.copy()
    frame.index = pd.Index([language.text(str(name)) for name in frame.index], name="rule")
    note = language.text(
        "By its own probabilities the mixture was to be right for {expected} of the customers. Pairs of a relational "
        "and a transactional customer: the share put in the right order, the area under the ROC curve."
    ).format(expected=language.share(check.expected_accuracy, 1))
    return Table(
        name="kinds_check",
        title="Classified correctly, where the truth is known",
        frame=frame.astype(object),
        labels={
            "rule": "Relational is, by …",
            "accuracy": "Classified correctly",
            "auc": "Pairs put in the right order",
        },
        note=note,
    )


def relational_kinds_table(kinds: RelationalKinds, *, currency: str, value_label: str, seed: int = 0) -> Table:
    """Return the kinds of relational customers with size, value, evidence and action.

    Parameters
    ----------
    kinds : RelationalKinds
        Kinds of the relational customers.
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".
    seed : int
        Seed of the random numbers behind the intervals.

    Returns
    -------
    Table
        One row per kind, in the order of the textbook.
    """
    frame = kinds.table(currency=currency, seed=seed)
    frame["action"] = [language.text(words) for words in frame["action"]]
    frame.index = pd.Index([language.text(str(name)) for name in frame.index], name="kind")
    word = value_label.capitalize()
    return Table(
        name="relational_kinds",
        title="Relational customers: size, value, evidence, action",
        frame=frame,
        kinds={
            "customers": "count", "customer_share": "share", "value": "money", "value_share": "share", "gap": "money",
        },
        labels={
            "customer_share": "Share of relational customers", "value": word,
            "value_share": f"Share of relational {value_label}", "mean_value": f"{word} a customer",
            "change": "Recent purchases over those expected", "gap": "Gap to the best similar ones",
        },
        currency=currency,
        note=language.text(
            "Most profitable from {best} on. {transactional} customers are left out as transactional. Losing value is "
            "whose recent purchases are too few to be chance, judged by their own past."
        ).format(
            best=language.money(kinds.best_from, currency), transactional=language.number(kinds.transactional, 0)
        ),
    )  # fmt: skip


def switching_table(switching: Switching, *, currency: str, value_label: str) -> Table:
    """Return the switching classes with size, value, risk, gain of a contact and action.

    Parameters
    ----------
    switching : Switching
        Classes of the customers.
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".

    Returns
    -------
    Table
        One row per class, in the order of the textbook.
    """
    frame = switching.table()
    frame["action"] = [language.text(words) for words in frame["action"]]
    frame.index = pd.Index([language.text(str(name)) for name in frame.index], name="class")
    word = value_label.capitalize()
    return Table(
        name="switching_classes",
        title="Value against risk: size, value, action",
        frame=frame,
        kinds={
            "customers": "count", "customer_share": "share", "value": "money", "value_share": "share",
            "mean_risk": "share", "at_risk": "money", "gain": "money",
        },
        labels={
            "customer_share": "Share of customers", "value": word, "value_share": f"Share of {value_label}",
            "mean_risk": "Risk (mean)", "at_risk": "Value times risk", "gain": "Gain of a contact to each",
        },
        currency=currency,
        note=language.text(
            "A contact costs {cost} and is taken to keep {saved} of those about to leave - an assumption until a test "
            "with a control group has measured it. It cannot pay below {value_from}. Looking around is from a risk of "
            "{risk} on, probably gone from {gone} on. Value times risk is an upper bound of what is lost, as many who "
            "fall silent come back."
        ).format(
            cost=language.money(switching.contact_cost, currency, 2),
            saved=language.share(switching.saved_share),
            value_from=language.money(switching.value_from, currency),
            risk=language.share(switching.risk_from),
            gone=language.share(switching.gone_from),
        ),
    )  # fmt: skip


def silence_test_table(risk: SilenceRisk) -> Table:
    """Return how well the risk of silence was told on an earlier day, beside the rule of thumb.

    Parameters
    ----------
    risk : SilenceRisk
        The risk and its test.

    Returns
    -------
    Table
        One row per rule: area under the ROC curve, the share of pairs put in the right order.
    """
    rows = {
        "risk from all that was known": risk.auc,
        "days since the last purchase": risk.auc_recency,
        "difference": risk.gain,
    }
    index = pd.Index([language.text(name) for name in rows], name="rule")
    note = language.text(
        "Told on {day} from what was known then, learnt from days whose outcomes were over ({days}), and compared with "
        "the {horizon} days after for {n} customers. A pair is one who fell silent and one who did not; 0.5 is chance "
        "(area under the ROC curve)."
    ).format(
        day=language.date(risk.tested_on),
        days=", ".join(language.date(day) for day in risk.learnt_from),
        horizon=language.number(risk.horizon_days, 0),
        n=language.number(len(risk.test), 0),
    )
    return Table(
        name="silence_test",
        title="Who fell silent, told beforehand",
        frame=pd.DataFrame({"auc": list(rows.values())}, index=index, dtype=object),
        labels={"rule": "Told by", "auc": "Share of pairs put in the right order"},
        note=note,
    )
