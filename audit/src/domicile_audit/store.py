"""Keeps evidence in a folder: writes the next link of the chain, signs it, and verifies what is there. I/O."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domicile_catalog.sshsig import SignatureError, verify

from domicile_audit.evidence import NAMESPACE, Previous, canonical, digest, link_problem, parsed

UNSIGNED = "unsigned"
"""The folder, beside the chain, of documents that nobody signed."""


class StoreError(Exception):
    """Evidence that cannot be written or signed; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Link:
    """One document of a chain. `signer` is the fingerprint of the key that signed it, None where none did."""

    file: str
    sha256: str
    verdict: str
    signer: str | None
    problem: str | None


def files_of(folder: Path) -> list[Path]:
    """The documents of a folder, in the order of their names, which is that of their numbers."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def next_link(folder: Path) -> tuple[int, Previous | None]:
    """The number of the next document of a folder, and what it follows. Raises StoreError where the last is none."""
    files = files_of(folder)
    if not files:
        return 1, None
    content = files[-1].read_bytes()
    try:
        last = parsed(content)
    except ValueError as error:
        raise StoreError(f"{files[-1]} {error}. `domicile audit --verify` tells more.") from None
    return int(last["sequence"]) + 1, Previous(file=files[-1].name, sha256=digest(content))


def write_unsigned(folder: Path, value: dict[str, Any]) -> Path:
    """Writes a document that nobody signs, apart from the chain; its path. Raises StoreError.

    It has no number, and follows nothing: trying things out neither lengthens nor breaks what a regulator is shown.
    """
    apart = folder / UNSIGNED
    apart.mkdir(parents=True, exist_ok=True)
    path = apart / f"{_moment(value)}.json"
    try:
        with path.open("xb") as file:
            file.write(canonical(value))
    except FileExistsError:
        raise StoreError(f"{path} exists already: another audit wrote it. Run this one again.") from None
    return path


def check_key(key: Path) -> None:
    """Raises StoreError of a key that cannot sign: better told before an hour of reading than after it."""
    with TemporaryDirectory(prefix="domicile-") as folder:
        probe = Path(folder) / "probe"
        probe.write_bytes(b"probe")
        _sign(probe, key)


def write(folder: Path, value: dict[str, Any], key: Path) -> Path:
    """Writes the next document of a chain, signed with an SSH key; its path. Raises StoreError.

    `key` is a private key, or a public one whose private one an agent or a token has. A document whose number is
    taken, by an audit that ran at the same time, is refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{value['sequence']:06d}-{_moment(value)}.json"
    if any(one.name.startswith(f"{value['sequence']:06d}-") for one in files_of(folder)):
        raise StoreError(f"{folder} has a number {value['sequence']} already: another audit ran. Run this one again.")
    draft = folder / f".{path.name}.draft"
    draft.write_bytes(canonical(value))
    try:
        _sign(draft, key).rename(path.with_name(f"{path.name}.sig"))
        try:
            os.link(draft, path)  # unlike a rename, it refuses to replace
        except FileExistsError:
            raise StoreError(f"{path} exists already: another audit wrote it. Run this one again.") from None
    finally:
        draft.unlink()
    return path


def _moment(value: dict[str, Any]) -> str:
    return str(value["run"]["began"]).replace(":", "").replace("-", "")


def _sign(file: Path, key: Path) -> Path:
    """The signature's file. It is verified before it counts: not every key that ssh-keygen takes is one of ours."""
    command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(file)]
    signature = file.with_name(f"{file.name}.sig")
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise StoreError("ssh-keygen is not installed: install OpenSSH's client, or give --no-sign.") from None
    if done.returncode != 0:
        raise StoreError(f"{key} cannot sign: {done.stderr.strip()}")
    try:
        verify(signature.read_text(), file.read_bytes(), NAMESPACE)
    except SignatureError as error:
        signature.unlink()
        raise StoreError(f"The signature of {key} {error}. Use a key of kind ed25519 or ecdsa on P-256.") from None
    return signature


def verify_chain(folder: Path, *, signers: Sequence[str] = ()) -> list[Link]:
    """Every document of a folder up to the first that is no good, whose `problem` says why.

    `signers` are the fingerprints of the keys that count; empty, any key does, and each link tells whose it was. What
    was cut off at the end is not seen: hold the last link's SHA-256 against a copy kept elsewhere.
    """
    links: list[Link] = []
    before: tuple[str, bytes, dict[str, Any]] | None = None
    for path in files_of(folder):
        content = path.read_bytes()
        problem = link_problem(content, before[2]["environment"] if before else None, before)
        signer, fault = _signer(path, content)
        problem = problem or fault or _refused(signer, signers)
        value = parsed(content) if problem is None else {}
        links.append(Link(path.name, digest(content), str(value.get("verdict", "")), signer, problem))
        if problem is not None:
            return links
        before = (path.name, content, value)
    return links


def _signer(path: Path, content: bytes) -> tuple[str | None, str | None]:
    """Whose signature lies beside a document, and what is wrong with it."""
    try:
        text = path.with_name(f"{path.name}.sig").read_text(encoding="utf-8")
        return verify(text, content, NAMESPACE).fingerprint, None
    except FileNotFoundError:
        return None, None
    except UnicodeDecodeError:
        return None, "has a signature that is no SSH signature"
    except SignatureError as error:
        return None, f"has a signature that {error}"


def _refused(signer: str | None, signers: Sequence[str]) -> str | None:
    if signer is None:
        return "is not signed"
    if signers and signer not in signers:
        return f"was signed by {signer}, whose signature does not count"
    return None
