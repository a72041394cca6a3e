"""From a company and its notebooks to a published report: see :func:`crm_lib.reports.run.run_report`."""

import sys

if "rfc3987_syntax" not in sys.modules:
    # jsonschema, on which nbformat rests, would build a parser of internationalised addresses: 2.5 s in every process.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # so that its import is an ImportError
    import nbformat  # noqa: F401

    del sys.modules["rfc3987_syntax"]
