"""What is fixed about the market and the range: the parameters that do not vary from simulation to simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_lib.demo import (
    campaigns,
    catalogue,
    contacts,
    environment,
    history_campaigns,
    people,
    prospects,
    spend,
    surveys,
)


def market() -> Mapping[str, Mapping[str, Any]]:
    """Return the fixed parameters by topic, to be written beside the population parameters."""
    return {
        "acquisition_channels": people.CHANNELS,
        "regions": {
            name: dict(zip(("share", "low", "medium", "high"), shares, strict=True))
            for name, shares in people.REGIONS.items()
        },
        "customer_groups": people.GROUPS,
        "main_interests": people.PROFILES,
        "tastes": {
            name: dict(zip(catalogue.CATEGORIES, shares, strict=True)) for name, shares in catalogue.TASTES.items()
        },
        "department_margins": catalogue.MARGINS,
        "order_channels": spend.CHANNELS,
        "discounts": spend.DISCOUNTS,
        "contacts": {
            kind: dict(zip(("phase", "an_order"), row[:2], strict=True)) for kind, row in contacts.KINDS.items()
        },
        "campaigns": {campaign.campaign_id: campaign.name for campaign in campaigns.CAMPAIGNS},
        "campaigns_by_history": {
            "silent_days": history_campaigns.SILENT_DAYS,
            "invited_share": history_campaigns.INVITED_SHARE,
            "compared_share": history_campaigns.COMPARED_SHARE,
        },
        "survey_answering": surveys.ANSWERING,
        "competitor_ratings": {brand: list(means) for brand, means in surveys.BRANDS.items()},
        "kano": {feature: dict(shares) for feature, shares in surveys.KANO.items()},
        "benchmarks": {
            measure: dict(zip(environment.ALL_BRANDS, row[3], strict=True))
            for measure, row in environment.MEASURES.items()
        },
        "brand_switching": {
            brand: dict(zip(environment.ALL_BRANDS, shares, strict=True))
            for brand, shares in zip(environment.ALL_BRANDS, environment.SWITCHING.tolist(), strict=True)
        },
        "pipeline": {
            "stages": prospects.STAGES,
            "advancing": prospects.ADVANCING,
            "stage_days": prospects.STAGE_DAYS,
            "sellers": prospects.SELLERS,
        },
    }
