"""``hypotheses.toml``: what a company believes of its customers, its competitors and itself."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from crm_lib.company import Company
from crm_lib.company.names import quoted_list, suggestion
from crm_lib.environment.measures import MEASURES, PERCENT
from crm_lib.errors import CompanyError
from crm_lib.finding import Criterion
from crm_lib.language import number, say, share, text
from crm_lib.writing import replaced

FILE: Final = "hypotheses.toml"
"""Name of a company's register, beside its ``company.toml``."""
View = Literal["customers", "competitors", "company"]
_HEAD = """\
# What we believe of our customers, our competitors and ourselves. `crm hypotheses COMPANY` tests it; README.md of the
# folder data/ says how a hypothesis is written. The textbook's claims are tested with ours: textbook = false leaves
# them out, and one of ours with the same key takes the place of one of them.
textbook = true
"""
_BLOCK = re.compile(r"^\s*\[\[\s*hypothesis\s*\]\]")


def _measure(name: Any) -> Any:
    if isinstance(name, str) and name not in MEASURES:
        hint = suggestion(name, MEASURES)
        raise ValueError(f"unknown measure '{name}'{hint}; the measures are {quoted_list(MEASURES)}")
    return name


class Hypothesis(BaseModel):
    """A claim, which of the three Cs it is about, the measure that decides, and the range in which the claim holds.

    `good` says whether it is good news if the claim holds; without it, the claim enters no SWOT.
    """

    # The title of a field says what it must be, for messages.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    claim: Annotated[str, Field(min_length=5, max_length=200, title="a sentence in quotes, of 5 to 200 letters")]
    c: Annotated[View, Field(title="'customers', 'competitors' or 'company'")]
    measure: Annotated[str, BeforeValidator(_measure), Field(title="the name of a measure in quotes")]
    at_least: Annotated[float | None, Field(allow_inf_nan=False, title="a number in the measure's unit")] = None
    at_most: Annotated[float | None, Field(allow_inf_nan=False, title="a number in the measure's unit")] = None
    owner: Annotated[str, Field(title="a name in quotes")] = ""
    status: Annotated[Literal["active", "retired"], Field(title="'active' or 'retired'")] = "active"
    good: Annotated[bool | None, Field(title="true or false")] = None
    if_true: Annotated[str, Field(title="what to do if it holds, in quotes")] = (
        "Plan on it, and test it again next year."
    )
    if_false: Annotated[str, Field(title="what to do if it does not hold, in quotes")] = (
        "Do not plan on it: change what rests on this belief."
    )
    source: Annotated[str, Field(title="where the claim comes from, in quotes")] = "hypothesis of the company"
    key: Annotated[
        str, Field(pattern=r"\A[a-z0-9_]{1,60}\z", title="a word of small letters, digits and '_' in quotes")
    ] = ""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("must say from where on the claim holds: at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self

    @property
    def name(self) -> str:
        """The key, by which results are compared from run to run: the given one, or the claim's first words."""
        return self.key or "_".join(re.findall(r"[a-z0-9]+", self.claim.lower()))[:60].strip("_") or "hypothesis"

    @property
    def criterion(self) -> Criterion:
        """Where the true value lies if the claim holds."""
        low, high = self.at_least, self.at_most
        return Criterion(low=-float("inf") if low is None else low, high=float("inf") if high is None else high)

    def written(self, value: float | None) -> str:
        """Return a number in the measure's unit as a person writes it; nothing where there is none."""
        if value is None:
            return ""
        return share(value) if MEASURES[self.measure].unit in PERCENT else number(value)

    @property
    def needed(self) -> str:
        """The threshold, as a person writes it."""
        low, high = self.written(self.at_least), self.written(self.at_most)
        if low and high:
            return say("{low} to {high}", low=low, high=high)
        return say("at least {low}", low=low) if low else say("at most {high}", high=high)


class _Register(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    textbook: Annotated[bool, Field(title="true or false")] = True
    hypothesis: Annotated[tuple[Hypothesis, ...], Field(strict=False, title="blocks [[hypothesis]]")] = ()


@cache
def textbook() -> tuple[Hypothesis, ...]:
    """Return the textbook's claims, which every register holds unless its file leaves them out."""
    content = Path(__file__).with_name("textbook.toml").read_text(encoding="utf-8")
    return _Register.model_validate(tomllib.loads(content)).hypothesis


def hypotheses_of(company: Company) -> tuple[Hypothesis, ...]:
    """Return a company's register: the textbook's claims, and those of its ``hypotheses.toml``.

    Names are distinct; one of the company's takes the place of the textbook's of the same key. CompanyError says what
    is wrong with the file, in which line, and what may stand there.
    """
    file = company.folder / FILE
    if not file.is_file():
        return textbook()
    try:
        return read_register(file.read_text(encoding="utf-8"), where=str(file))
    except UnicodeDecodeError as error:
        raise CompanyError(f"{file} is not UTF-8 (byte {error.start + 1}): save it in this encoding") from None


def register_lines(company: Company) -> Iterator[str]:
    """Yield a company's register, and the measures that a hypothesis may name, as plain lines of text."""
    for each in hypotheses_of(company):
        told = [text(each.c), f"{each.measure}, {each.needed}", each.owner, text(each.status)]
        yield f"{each.name}: {text(each.claim)}"
        yield f"  {'; '.join(part for part in told if part)}"
    yield from ("", text("The measures:"))
    for name, found in MEASURES.items():
        yield f"  {name} ({text(found.unit)}): {text(found.words)}"


def read_register(content: str, *, where: str = FILE) -> tuple[Hypothesis, ...]:
    """Return the hypotheses of a register's text; all that is wrong with it is told at once."""
    try:
        given = tomllib.loads(content)
        found = _Register.model_validate(given)
    except tomllib.TOMLDecodeError as error:
        raise CompanyError(f"{where} is not valid TOML: {error}") from None
    except ValidationError as error:
        faults = [_fault(each, given, content) for each in error.errors()]
        raise CompanyError(_told(where, faults)) from None
    names = [each.name for each in found.hypothesis]
    faults = [
        f"line {line}: another hypothesis is called '{name}'; give this one a key of its own"
        for place, (line, name) in enumerate(zip([*_lines(content), *[1] * len(names)], names, strict=False))
        if name in names[:place]
    ]  # fmt: skip
    if faults:
        raise CompanyError(_told(where, faults))
    books = textbook() if found.textbook else ()
    return (*(each for each in books if each.name not in names), *found.hypothesis)


def add_hypothesis(company: Company, **fields: Any) -> Path:
    """Write a hypothesis of these fields at the end of a company's register; None leaves a field out.

    The file is made where there is none, and stays as it was if the hypothesis, or the file itself, is wrong.
    """
    file = company.folder / FILE
    hypotheses_of(company)  # what is wrong already is told first
    before = file.read_text(encoding="utf-8") if file.is_file() else _HEAD
    block = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value is not None]
    content = "\n".join([before.rstrip("\n"), "", "[[hypothesis]]", *block, ""])
    read_register(content, where=str(file))
    with replaced(file, private=False) as aside:
        aside.write_text(content, encoding="utf-8")
    return file


def _told(where: str, faults: Sequence[str]) -> str:
    return f"{where}, {faults[0]}" if len(faults) == 1 else "\n- ".join([f"{where}:", *faults])


def _lines(content: str) -> list[int]:
    """Return the lines on which hypotheses begin."""
    return [at for at, line in enumerate(content.splitlines(), start=1) if _BLOCK.match(line)]


def _fault(error: Mapping[str, Any], given: Mapping[str, Any], content: str) -> str:
    """Say on which line something is wrong, and what may stand there."""
    path, kind, begins = error["loc"], error["type"], 0
    fields, block, key = _Register.model_fields, given, str(path[0])
    if path[0] == "hypothesis" and len(path) > 1 and isinstance(path[1], int):
        fields, block, key = Hypothesis.model_fields, given["hypothesis"][path[1]], str(path[2]) if path[2:] else ""
        begins = dict(enumerate(_lines(content))).get(path[1], 0)
    line = f"line {_line_of(key, content.splitlines(), begins) if key else begins}"
    if kind == "extra_forbidden":
        return f"{line}: unknown key '{key}'{suggestion(key, fields)}; the keys are {quoted_list(fields)}"
    if kind == "missing":
        return f"{line}: {key} is missing; write {fields[key].title}"
    if kind == "value_error":
        return f"{line}: {error['ctx']['error']}"
    if not key:
        return f"{line}: each hypothesis must be a block of its own that begins with [[hypothesis]]"
    return f"{line}: {key} must be {fields[key].title}, not {block[key]!r}"


def _line_of(key: str, lines: Sequence[str], begins: int) -> int:
    """Return the line of a key in the block that begins on a line; that line where the key is not found."""
    for at, line in enumerate(lines[begins:], start=begins + 1):
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return at
        if _BLOCK.match(line):
            break
    return max(begins, 1)
