"""``python -m crm_lib.cli``: the command ``crm``."""

from crm_lib.cli import main

main()
