"""``python -m crm_lib.cli``: the command line, where ``crm`` is not on the path."""

from __future__ import annotations

from crm_lib.cli import main

if __name__ == "__main__":
    main()
