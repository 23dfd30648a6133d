"""Whose word counts: the officers of an environment, vouched for by a root that no pull request can change.

`officers.yaml` lists the officers' public keys and is signed by the offline root; the root's fingerprint is
configuration of whoever decides (the cell, the command line), and never a file beside the attestations. An officer
signs each attestation file with `ssh-keygen -Y sign`. docs/attestations.md tells how.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, StrictInt

from domicile_catalog.documents import Fault, parse, parse_mapping, read_bytes
from domicile_catalog.forms import Frozen, Text
from domicile_catalog.sshsig import PublicKey, SignatureError, public_key, verify

OFFICERS_FILE = "officers.yaml"
OFFICERS_NAMESPACE = "domicile-officers"
ATTESTATION_NAMESPACE = "domicile-attestation"


def _readable_key(line: str) -> str:
    public_key(line)  # SignatureError is a ValueError: pydantic makes a fault of it
    return line


class Revocation(Frozen):
    """A key that is no longer its officer's alone: the day on which that was known, and why."""

    date: date
    reason: Text


class Officer(Frozen):
    """Somebody who may attest, with the role that they do it in, and the days on which their key is good.

    `valid_to` ends an officer: what they signed until then holds. `revoked` ends a key, and all that it signed:
    whoever else has it writes the day that they like.
    """

    name: Text
    role: Text
    key: Annotated[str, AfterValidator(_readable_key)]
    valid_from: date | None = None
    valid_to: date | None = None
    revoked: Revocation | None = None

    def may_sign(self, day: date) -> bool:
        """Whether the key is good on that day, first and last included."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


class OfficersFile(Frozen):
    """officers.yaml. `serial` grows with each list that the root signs."""

    serial: Annotated[StrictInt, Field(ge=1)]
    officers: Annotated[tuple[Officer, ...], Field(min_length=1)]


class Signed(Protocol):
    """What is checked of an attestation against its signature."""

    @property
    def attested_by(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def attested_on(self) -> date: ...


@dataclass(frozen=True, slots=True)
class Trust:
    """The officers that the root vouches for, by the fingerprint of their key."""

    officers: tuple[Officer, ...]

    def faults(self, file: Path, content: bytes, attestations: Iterable[Signed]) -> list[Fault]:
        """Why the word of a file, with this content, does not count; empty where it does."""
        try:
            signer = _verified(file, content, ATTESTATION_NAMESPACE)
        except SignatureError as error:
            return [Fault(f"{file.name}.sig", "", str(error), f"`ssh-keygen -Y sign -n {ATTESTATION_NAMESPACE} ...`")]
        mine = [officer for officer in self.officers if public_key(officer.key) == signer]
        if not mine:
            problem = f"was made by {signer.fingerprint}, which is nobody's in {OFFICERS_FILE}"
            return [Fault(f"{file.name}.sig", "", problem, "the key of a listed officer")]
        revoked = next((officer for officer in mine if officer.revoked), None)
        if revoked and revoked.revoked:
            problem = f"was made with {revoked.name}'s key, revoked on {revoked.revoked.date}: {revoked.revoked.reason}"
            return [Fault(f"{file.name}.sig", "", problem, "the key of an officer that is not revoked")]
        return [fault for one in attestations if (fault := _claim(file, one, mine))]


def load_trust(folder: Path, root: str, faults: list[Fault], minimum_serial: int | None = None) -> Trust | None:
    """The officers of a folder whose officers.yaml the root signed, or None and the faults.

    `root` is the fingerprint of the root's key, as `ssh-keygen -l` prints it. A list below `minimum_serial` was good
    once, and was put back.
    """
    file = folder / OFFICERS_FILE
    before = len(faults)
    content = read_bytes(file, file.name, faults)  # once: what is verified is what is read
    mapping = parse_mapping(content, file.name, faults)
    listed = parse(OfficersFile, mapping, file.name, faults) if len(faults) == before else None
    if listed is None:
        return None
    try:
        signer = _verified(file, content, OFFICERS_NAMESPACE)
    except SignatureError as error:
        allowed = f"`ssh-keygen -Y sign -n {OFFICERS_NAMESPACE} ...` with the root's key"
        faults.append(Fault(f"{file.name}.sig", "", str(error), allowed))
        return None
    if signer.fingerprint != root:
        faults.append(Fault(f"{file.name}.sig", "", f"was made by {signer.fingerprint}, which is not the root", root))
        return None
    if minimum_serial is not None and listed.serial < minimum_serial:
        problem = f"is {listed.serial}: the list is older than the last that was made known"
        faults.append(Fault(file.name, "serial", problem, f"{minimum_serial} or more"))
        return None
    return Trust(listed.officers)


def _verified(file: Path, content: bytes, namespace: str) -> PublicKey:
    try:
        signature = file.with_name(f"{file.name}.sig").read_text(encoding="utf-8")
        return verify(signature, content, namespace)
    except OSError as error:
        raise SignatureError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SignatureError("is no SSH signature") from None


def _claim(file: Path, one: Signed, mine: list[Officer]) -> Fault | None:
    """A fault where the attestation names somebody else than its signer, another role, or a day without a key."""
    if one.attested_by not in {officer.name for officer in mine}:
        return Fault(file.name, "attested_by", f"is {one.attested_by}, and {mine[0].name} signed", mine[0].name)
    named = [officer for officer in mine if officer.name == one.attested_by]
    acting = [officer for officer in named if officer.role == one.role]
    if not acting:
        roles = ", ".join(sorted({officer.role for officer in named}))
        return Fault(file.name, "role", f"is {one.role}, which the officer has not", roles)
    if not any(officer.may_sign(one.attested_on) for officer in acting):
        return Fault(file.name, "attested_on", f"is {one.attested_on}, when the officer's key was not good")
    return None
