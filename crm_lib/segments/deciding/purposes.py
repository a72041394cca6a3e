"""What customers are contacted for: the purposes of the target lists, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping

PURPOSES: Mapping[str, tuple[str, str]] = {
    "open_complaints": (
        "Core customers with an unsettled complaint",
        "Call, apologise and settle it; then ask whether all is well.",
    ),
    "dissatisfied": ("Core customers who are dissatisfied", "Ask what was missing, and answer it."),
    "looking_around": (
        "Valuable and looking around",
        "A personal contact now: ask what is missing.",
    ),
    "newly_warned": (
        "Newly warned of decline",
        "Ask what has changed, the most valuable first.",
    ),
    "losing_value": (
        "Losing value: relational customers who buy less",
        "Ask why; win back who is worth it, let go who is not.",
    ),
    "slipping_away": (
        "Slipping away: good customers who have fallen silent",
        "Call and ask; offer a reason to come back.",
    ),
    "former_core": ("Core customers of the window before, silent since", "Ask why; win back who can be."),
    "growable": (
        "Growable: relational customers who buy in part",
        "Show what similar customers buy besides.",
    ),
    "growing": ("Growing: recent customers of middling weight", "Offer the next category; make the second step easy."),
}
"""The lists, the most urgent first: title and action. What went wrong is put right before anybody is kept, and who may
leave is kept before anybody is grown."""
