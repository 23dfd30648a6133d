"""The fields of a registration: what each is, how it is checked, and how two spellings of one value are known.

Which of them a player has to give is `registration_fields` of rules.json; this file knows no country. A rule names a
field, or a group of fields such as `name` or `address`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from casino.kernel.errors import ConfigurationError

_COUNTRY = re.compile(r"[A-Z]{2}")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")  # ITU-T E.164
_NATIONAL_ID = re.compile(r"[A-Z0-9]{4,32}")
_POSTAL_CODE = re.compile(r"[A-Z0-9][A-Z0-9 -]{1,10}[A-Z0-9]")
_NOT_IN_NUMBERS = str.maketrans("", "", " -./()")
GENDERS = ("female", "male", "other", "undisclosed")


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """`check` answers the value as it is stored, or raises ValueError with what is wrong, never quoting the value."""

    name: str
    group: str
    label: str
    check: Callable[[str], str]


def _text(value: str) -> str:
    value = " ".join(unicodedata.normalize("NFC", value).split())
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") for character in value):
        raise ValueError("holds characters that are no text")
    return value


def _line(shortest: int, longest: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        value = _text(value)
        if not shortest <= len(value) <= longest:
            raise ValueError(f"has to have {shortest} to {longest} characters")
        return value

    return check


def _name(value: str) -> str:
    value = _line(1, 100)(value)
    if not any(character.isalpha() for character in value) or any(character.isdigit() for character in value):
        raise ValueError("has to have letters and no digits")
    return value


def _pattern(pattern: re.Pattern[str], hint: str, *, drop: bool = False) -> Callable[[str], str]:
    def check(value: str) -> str:
        value = _text(value).upper()
        if drop:
            value = value.translate(_NOT_IN_NUMBERS)
        if not pattern.fullmatch(value):
            raise ValueError(hint)
        return value

    return check


def _gender(value: str) -> str:
    value = value.strip().lower()
    if value not in GENDERS:
        raise ValueError(f"has to be one of {', '.join(GENDERS)}")
    return value


_country = _pattern(_COUNTRY, "has to be a country's two letters (ISO 3166-1)")

FIELDS = {
    field.name: field
    for field in (
        FieldDefinition("given_name", "name", "Given name", _name),
        FieldDefinition("family_name", "name", "Family name", _name),
        FieldDefinition("address_line", "address", "Street and number", _line(3, 200)),
        FieldDefinition("postal_code", "address", "Postal code",
                        _pattern(_POSTAL_CODE, "has to be 3 to 12 letters and digits")),
        FieldDefinition("city", "address", "City", _line(1, 100)),
        FieldDefinition("country", "address", "Country of residence", _country),
        FieldDefinition("phone", "phone", "Phone", _pattern(
            _PHONE, "has to be an international number such as +441632960000", drop=True)),
        FieldDefinition("nationality", "nationality", "Nationality", _country),
        FieldDefinition("national_id", "national_id", "National identity number", _pattern(
            _NATIONAL_ID, "has to be 4 to 32 letters and digits", drop=True)),
        FieldDefinition("gender", "gender", "Gender", _gender),
        FieldDefinition("place_of_birth", "place_of_birth", "Place of birth", _line(1, 100)),
        FieldDefinition("occupation", "occupation", "Occupation", _line(2, 100)),
    )
}  # fmt: skip
PROMPTS = ("deposit_limit", "terms_version")
"""Asked at registration, and kept elsewhere than with the personal data: a limit, and which terms were accepted."""

_GROUPS = {
    group: tuple(field.name for field in FIELDS.values() if field.group == group)
    for group in dict.fromkeys(field.group for field in FIELDS.values())
}
ALWAYS = ("email", "password", "date_of_birth")


def required_fields(rules: Iterable[str]) -> tuple[str, ...]:
    """The fields that `registration_fields` names, groups resolved, in the order of the table.

    Raises ConfigurationError for a name that nobody here knows: a field that is not asked for would be a breach.
    """
    named: set[str] = set()
    unknown = []
    for name in rules:
        if name in _GROUPS:
            named.update(_GROUPS[name])
        elif name in FIELDS or name in PROMPTS:
            named.add(name)
        elif name not in ALWAYS:
            unknown.append(name)
    if unknown:
        raise ConfigurationError(f"rules.json asks for registration_fields that are unknown: {', '.join(unknown)}")
    return tuple(name for name in (*FIELDS, *PROMPTS) if name in named)


def email_key(email: str) -> str:
    """What makes two spellings one address: compatibility-normalised, case folded."""
    return unicodedata.normalize("NFKC", email).casefold()


def person_key(given_name: str, family_name: str, date_of_birth: str) -> str:
    """What makes two spellings one person: names without case, accents, spaces and hyphens, and the date of birth.

    It finds candidates for people to look at: two persons may well share it.
    """
    letters = unicodedata.normalize("NFKD", f"{given_name}\0{family_name}").casefold()
    kept = "".join(character for character in letters if character.isalpha() or character == "\0")
    return f"{kept}\0{date_of_birth}"


def index_values(person: dict[str, str]) -> dict[str, str]:
    """The values of a person's document that blind indices are made of, by kind."""
    values = {kind: person[kind] for kind in ("phone", "national_id") if person.get(kind)}
    if person.get("email"):
        values["email"] = email_key(person["email"])
    if person.get("given_name") and person.get("family_name") and person.get("date_of_birth"):
        values["person"] = person_key(person["given_name"], person["family_name"], person["date_of_birth"])
    return values
