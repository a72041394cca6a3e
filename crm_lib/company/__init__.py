"""A company's tables: opened, checked, cleaned and cut in one place."""

from crm_lib.company.company import Company, check_company
from crm_lib.company.database import connect
from crm_lib.company.rejected import harmless, write_rejected
from crm_lib.company.report import CheckReport, Fault, TableCheck

__all__ = [
    "CheckReport",
    "Company",
    "Fault",
    "TableCheck",
    "check_company",
    "connect",
    "harmless",
    "write_rejected",
]
