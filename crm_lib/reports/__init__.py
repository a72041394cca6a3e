"""From a company and its notebooks to a published report: see :func:`crm_lib.reports.run.run_report`."""
