"""Reports by e-mail, sent to a real server: what is in them, and what is told where they cannot be sent."""

from __future__ import annotations

import email
import email.policy
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from crm_lib.errors import CompanyError
from crm_lib.reports import run as runs
from crm_lib.reports.changes import write_findings, write_json
from crm_lib.reports.execute import Failure, Outcome
from crm_lib.reports.notebooks import Notebook
from tests.reports.shop import HOSTILE, finding

Crm = Callable[..., tuple[int, str, str]]
PASSWORD = "s3cret-of-the-post"
NAME = "Shop\r\nBcc: spy@example.org"
REPORT = ("report", "shop", "--mail", "boss@example.org", "--mail", "sales@example.org")


class Post:
    """What a mail server takes; it refuses what `refused` says."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], Any]] = []
        self.refused = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, to: str, _options: Any) -> str:  # noqa: N802 - the name that the server calls
        if to.startswith(self.refused or "nobody"):
            return "550 no such box"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - likewise
        if self.refused == "all":
            return f"554 too much of {PASSWORD}"
        content = envelope.content.replace(b"\r\n", b"\n")
        self.got.append((envelope.rcpt_tos, email.message_from_bytes(content, policy=email.policy.default)))
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        good = (data.login, data.password) == (b"crm@example.org", PASSWORD.encode())
        return AuthResult(success=good, handled=good, message=f"535 not {data.password.decode()}")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate of the server, is not installed")
    key, certificate = (tmp_path_factory.mktemp("tls") / name for name in ("key.pem", "certificate.pem"))
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def post(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """Start a server that wants encryption and a password, and name it in the environment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(
        post := Post(), hostname="127.0.0.1", port=port, tls_context=context, auth_required=True,
        require_starttls=True, authenticator=post.authenticate,
    )  # fmt: skip
    told = {"HOST": "127.0.0.1", "PORT": str(port), "USER": "crm@example.org", "PASSWORD": PASSWORD}
    for name, value in told.items():
        monkeypatch.setenv(f"CRM_SMTP_{name}", value)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    server.start()
    yield post
    server.stop()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Publish a run without a kernel; return the fields of its :class:`Run`, which a test may change."""
    stake = finding(value=1000).estimate
    found = finding("a", claim=HOSTILE, sentence=f"{{estimate}} {HOSTILE}", money_at_stake=stake).to_dict()
    notebook = {"notebook": "06_x", "title": "Who buys?", "status": "done", "failure": None}
    broken = {"notebook": "07_y", "title": "Broken", "status": "done", "failure": None}
    manifest = {"run": "r1", "company": {"name": NAME, "as_of": "2026-06-30"}, "notebooks": [notebook, broken]}
    write_json(tmp_path / "manifest.json", manifest)
    write_findings(tmp_path / "findings.json", company="shop", as_of="2026-06-30", findings={"06_x": [found]})
    for name in ("index.html", "index.pdf", "06_x.pdf"):
        (tmp_path / name).write_text(name)
    fields: dict[str, Any] = {"folder": tmp_path, "outcomes": (), "manifest": manifest}
    monkeypatch.setattr(runs, "run_report", lambda *_, **__: runs.Run(folder=tmp_path, outcomes=fields["outcomes"]))
    return fields


@pytest.mark.usefixtures("published")
def test_findings_stand_in_the_body_and_the_front_page_is_attached(post: Post, crm: Crm) -> None:
    assert crm(*REPORT)[0] == 0
    ((to, message),) = post.got
    assert to == ["boss@example.org", "sales@example.org"]
    assert message["Subject"] == "Shop Bcc: spy@example.org, as of 30 Jun 2026: what the data say"
    assert message["Bcc"] is None
    assert [part.get_filename() for part in message.iter_attachments()] == ["index.html", "index.pdf"]
    plain, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert f"- supported: 70% [60%, 80%] {HOSTILE}" in plain
    assert "Look after them." in plain.partition("Who buys?")[0]
    assert html.count("70% [60%, 80%] &lt;script&gt;") == 2
    assert "<script" not in html


def test_what_failed_is_mailed(
    post: Post, published: dict[str, Any], crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = Notebook(path=Path("07_y.ipynb"), title="Broken", edition="routine")
    published["outcomes"] = (Outcome(notebook=notebook, status="failed", failure=Failure(kind="E", message="bad")),)
    published["manifest"]["notebooks"][1] |= {"status": "failed", "failure": "ValueError in cell [3]: <bad>"}
    write_json(published["folder"] / "manifest.json", published["manifest"])
    assert crm(*REPORT)[0] == 1
    message = post.got.pop()[1]
    assert message["Subject"].endswith("1 analysis failed")
    assert "Failed: Broken\n  ValueError in cell [3]: <bad>" in message.get_body(("plain",)).get_content()
    assert "ValueError in cell [3]: &lt;bad&gt;" in message.get_body(("html",)).get_content()

    def raising(error: Exception) -> Any:
        monkeypatch.setattr(runs, "run_report", lambda *_, **__: (_ for _ in ()).throw(error))
        return crm

    assert raising(CompanyError("transactions.csv has no rows"))(*REPORT)[0] == 2
    message = post.got.pop()[1]
    assert message["Subject"] == "shop: there is no new report"
    assert "transactions.csv has no rows" in message.get_content()
    with pytest.raises(KeyError):
        raising(KeyError("a name of a customer"))(*REPORT)
    assert post.got.pop()[1].get_content().strip().endswith("KeyError: the log of the run tells more")


@pytest.mark.parametrize(
    ("setting", "refused", "told"),
    [
        (("PASSWORD", "wr0ng-passw0rd"), "", "user or password refused (535)"),
        (("PORT", "9"), "", "refused"),
        (("HOST", "localhost"), "", "certificate verify failed"),
        (None, "sales", "sales@example.org (550: no such box)"),
        (None, "all", "too much of •••"),
    ],
)
def test_where_mail_is_refused_the_report_stands_and_the_exit_code_says_so(
    post: Post, published: dict[str, Any], crm: Crm, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str] | None,
    refused: str, told: str,
) -> None:  # fmt: skip
    post.refused = refused
    if setting:
        monkeypatch.setenv(f"CRM_SMTP_{setting[0]}", setting[1])
    code, out, err = crm(*REPORT)
    assert code == 3
    assert str(published["folder"] / "index.html") in out
    assert "not mailed by" in err
    assert told in err
    assert not {PASSWORD, "wr0ng-passw0rd"} & set(err.replace("'", " ").split())
    assert [to for to, _ in post.got] == ([["boss@example.org"]] if refused == "sales" else [])


def test_a_server_without_encryption_gets_nothing_unless_that_is_wished(
    published: dict[str, Any], crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    post = Post()
    server = Controller(post, hostname="127.0.0.1", port=port)
    server.start()
    for name, value in {"HOST": "127.0.0.1", "PORT": str(port), "FROM": "crm@example.org"}.items():
        monkeypatch.setenv(f"CRM_SMTP_{name}", value)
    code, _, err = crm(*REPORT)
    assert (code, post.got) == (3, [])
    assert "STARTTLS" in err
    monkeypatch.setenv("CRM_SMTP_TLS", "off")
    assert crm(*REPORT)[0] == 0
    assert len(post.got) == 1
    server.stop()
    assert published["folder"].is_dir()


@pytest.mark.parametrize(
    ("settings", "address", "told"),
    [
        ({}, "a@b.org", "CRM_SMTP_HOST, CRM_SMTP_FROM"),
        ({"HOST": "h", "USER": "a@b.org"}, "a@b.org", "CRM_SMTP_PASSWORD"),
        ({"HOST": "h", "USER": "a@b.org", "PASSWORD": PASSWORD, "TLS": "off"}, "a@b.org", "needs encryption"),
        ({"HOST": "h", "FROM": "a@b.org", "PORT": "smtp"}, "a@b.org", "must be a number, not 'smtp'"),
        ({"HOST": "h", "FROM": "crm"}, "a@b.org", "'crm' is no mail address"),
        ({"HOST": "h", "FROM": "a@b.org"}, "a@b.org\nBcc: spy@c.org", "is no mail address"),
        ({"HOST": "h", "FROM": "a@b.org"}, "", "'' is no mail address"),
    ],
)
def test_what_mail_lacks_is_told_before_anything_runs(
    crm: Crm, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], address: str, told: str
) -> None:
    monkeypatch.setattr(runs, "run_report", lambda *_, **__: pytest.fail("the report was run"))
    for name, value in settings.items():
        monkeypatch.setenv(f"CRM_SMTP_{name}", value)
    code, _, err = crm("report", "shop", "--mail", address)
    assert code == 2
    assert told in err
    assert PASSWORD not in err
