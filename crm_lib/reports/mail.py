"""A run by e-mail: its findings in the body, the front page attached, or why there is none.

The mail server is given by environment variables; notebooks do not see them.
"""

from __future__ import annotations

import datetime as dt
import os
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid
from functools import partial
from pathlib import Path

from crm_lib.errors import CrmError
from crm_lib.language import plural, say, text
from crm_lib.reports import changes
from crm_lib.reports.documents import hide
from crm_lib.reports.execute import MAIL
from crm_lib.reports.index import decisions
from crm_lib.reports.templates import render
from crm_lib.writing import of_the_system

_PORT, _TLS_FIRST = "587", 465  # where mail is handed in, and where encryption comes before all else
_PATIENCE = 60.0  # seconds


class Mail:
    """Letters by the server that the environment names; what is wrong with it or an address is a `CrmError`."""

    def __init__(self, to: Sequence[str]) -> None:
        host, port, user, password, sender, tls = (
            os.environ.get(f"{MAIL}{name}", "") for name in ("HOST", "PORT", "USER", "PASSWORD", "FROM", "TLS")
        )
        self._host, self._user, self._password, self._tls = host, user, password, tls != "off"
        wanted = {"HOST": host, "FROM": sender or user, "PASSWORD": password or not user}
        if lacking := [f"{MAIL}{name}" for name, value in wanted.items() if not value]:
            raise CrmError(say("--mail needs the environment variables {names}", names=", ".join(lacking)))
        if user and not (self._tls and f"{user}{password}".isascii()):
            raise CrmError(say("{begin}USER needs encryption, and a password of ASCII letters", begin=MAIL))
        if not (port or _PORT).isdecimal():
            raise CrmError(say("{begin}PORT must be a number, not '{port}'", begin=MAIL, port=port))
        self._port, self._from, self._to = int(port or _PORT), _address(sender or user), [_address(each) for each in to]

    def report(self, run: Path) -> str:
        """Send what a published run found; return why it did not reach everybody, if it did not."""
        manifest, found = (changes.read_json(run, name) for name in (changes.MANIFEST_FILE, changes.FINDINGS_FILE))
        groups = {each["notebook"]: {**each, "findings": []} for each in manifest["notebooks"]}
        for each in found["findings"]:
            groups[each["notebook"]]["findings"].append(each)
        failed = sum(each["status"] == "failed" for each in groups.values())
        told = plural("{n} analysis failed", "{n} analyses failed", failed) if failed else text("what the data say")
        name, day = manifest["company"]["name"], dt.date.fromisoformat(manifest["company"]["as_of"])
        title = say("{company}, as of {day}: {told}", company=name, day=day, told=told)
        decide = decisions([{"key": each["notebook"], "finding": each} for each in found["findings"]])
        body = partial(render, title=title, decide=decide, groups=groups.values(), run=manifest["run"])
        message = self._message(title, body("mail.txt"))
        message.add_alternative(body("mail.html"), subtype="html")
        for file in sorted(run.glob("index.*")):  # the pages would be too much for many a mailbox
            kind = ("text", "html") if file.suffix == ".html" else ("application", "pdf")
            message.add_attachment(file.read_bytes(), *kind, filename=file.name)
        return self._sent(message)

    def failure(self, company: str, error: Exception) -> str:
        """Send why there is no report; return why this did not reach everybody, if it did not."""
        known = isinstance(error, CrmError) or of_the_system(error)
        why = str(error) if known else say("{kind}: the log of the run tells more", kind=type(error).__name__)
        title = say("{company}: there is no new report", company=Path(company).name)
        return self._sent(self._message(title, f"{title}.\n\n{why}\n"))

    def _message(self, subject: str, body: str) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = " ".join(subject.split())  # the name of a company may have two lines
        message["From"], message["To"], message["Date"] = self._from, self._to, dt.datetime.now(dt.UTC)
        message["Message-ID"], message["Auto-Submitted"] = make_msgid(domain=self._from.domain), "auto-generated"
        message.set_content(body)
        return message

    def _sent(self, message: EmailMessage) -> str:
        try:
            refused = self._send(message)
            why = ", ".join(f"{to} ({code}: {words.decode(errors='replace')})" for to, (code, words) in refused.items())
        except smtplib.SMTPAuthenticationError as error:  # its words may repeat what was sent
            why = say("user or password refused ({code})", code=str(error.smtp_code))
        except OSError as error:
            why = hide(str(error), {self._password: "•••"})
        return say("not mailed by {host}: {why}", host=self._host, why=why) if why else ""

    def _send(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Send a message; return the addresses that the server did not take, and why."""
        context = ssl.create_default_context()
        first = self._tls and self._port == _TLS_FIRST
        server = partial(smtplib.SMTP_SSL, context=context) if first else smtplib.SMTP
        with server(self._host, self._port, timeout=_PATIENCE) as smtp:
            if self._tls and not first:
                smtp.starttls(context=context)
            if self._user:
                smtp.login(self._user, self._password)
            return smtp.send_message(message)


def _address(written: str) -> Address:
    with suppress(ValueError, IndexError, HeaderParseError):
        if (found := Address(addr_spec=written.strip())).domain:
            return found
    raise CrmError(say("'{written}' is no mail address", written=written))
