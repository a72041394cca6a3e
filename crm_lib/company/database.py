"""Connections to a company's database server, and to others."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from crm_lib.errors import CompanyError


def connect(url: str, password_env: str = "") -> Any:
    """Return a connection (an Ibis backend) to the database at a URL without a password.

    `password_env` names the environment variable that holds the password; the password is in no error's message.
    """
    password = ""
    if password_env:
        password = os.environ.get(password_env, "")
        if not password:
            raise CompanyError(
                f"[database]: the environment variable {password_env}, which holds the password, is not set"
            )
    import ibis

    scheme = urlsplit(url).scheme
    try:
        server = ibis.connect(server_url(url, password))
        if server.name == "postgres":
            server.raw_sql("SET TIME ZONE 'UTC'").close()
    except ImportError:
        extra = "crm-lib[postgres]" if scheme.startswith("postgres") else f"ibis-framework[{scheme}]"
        raise CompanyError(f"[database]: the driver for '{scheme}' is not installed: pip install '{extra}'") from None
    except Exception as error:
        # The driver's own error is not chained: it may hold the password.
        reason = without(first_line(error), password)
        raise CompanyError(
            f"[database]: cannot reach {url}: {reason}; check that the server runs and the url is right"
        ) from None
    return server


def server_url(url: str, password: str = "") -> str:
    """Return the URL with the password in its place, and a limit on the time a dead PostgreSQL host may take.

    Examples
    --------
    >>> server_url("mysql://ann@db:3306/shop", "p/w")
    'mysql://ann:p%2Fw@db:3306/shop'
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme.startswith("postgres"):
        query.setdefault("connect_timeout", "10")
    user, at, host = parts.netloc.rpartition("@")
    if password:
        user, at = f"{user.rstrip(':')}:{quote(password, safe='')}", "@"
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}", query=urlencode(query)))


def without(message: str, password: str) -> str:
    """Return a message with the password, plain or quoted for a URL, blacked out."""
    for form in {password, quote(password, safe=""), quote(password)} - {""}:
        message = message.replace(form, "***")
    return message


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, which is what a user can act on."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
