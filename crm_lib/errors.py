"""The errors that a user can mend; everything else is a fault of the software."""

from __future__ import annotations

from collections.abc import Sequence


class CrmError(Exception):
    """Base of the errors whose message tells a user what is wrong, where, and what to do."""


class CompanyError(CrmError):
    """A company's settings or tables cannot be used."""


class MissingData(CrmError):
    """An analysis needs a table of the schema, or `columns` of it, that the company does not have."""

    def __init__(self, table: str, columns: Sequence[str] = ()) -> None:
        self.table = table
        self.columns = tuple(columns)
        names = f"column{'s' * (len(columns) > 1)} {', '.join(columns)} of " if columns else ""
        super().__init__(f"needs {names}table '{table}', which the company does not have")


class TooLittleData(MissingData):
    """An analysis has the tables it needs, but too little in them; `message` says of what, and how much is needed."""

    def __init__(self, message: str, *, table: str = "transactions") -> None:
        super().__init__(table)
        self.args = (message,)


class NumericalError(CrmError):
    """A computation did not come to an end, although nothing that it needs is missing."""
