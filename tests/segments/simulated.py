"""A simulated company with all its tables and its truth, smaller than the demo company."""

from __future__ import annotations

from pathlib import Path

from crm_lib.demo import Simulation
from tests.companies import write_company


def write_simulated(simulation: Simulation, folder: Path) -> Path:
    """Write the company, without its truth, and return its folder."""
    return write_company(folder, dict(simulation.tables), how="parquet", as_of="2026-06-30")
