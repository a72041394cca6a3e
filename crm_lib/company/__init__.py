"""A company's tables: opened, checked, cleaned and cut in one place."""

from crm_lib.company.company import Company, check_company
from crm_lib.company.report import CheckReport, Fault, TableCheck
from crm_lib.company.store import kept

__all__ = ["CheckReport", "Company", "Fault", "TableCheck", "check_company", "kept"]
