"""Keeps evidence in a folder: writes the next link of the chain, signs it, and verifies what is there. I/O."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domicile_catalog.sshsig import SignatureError, verify

from domicile_audit.evidence import NAMESPACE, Previous, canonical, digest, link_problem, parsed


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


def write(folder: Path, value: dict[str, Any], key: Path | None) -> Path:
    """Writes a document, signed with an SSH key unless that is None; its path. Raises StoreError.

    `key` is a private key, or a public one whose private one an agent or a token has. A document whose number is
    taken, by an audit that ran at the same time, is refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    moment = str(value["run"]["began"]).replace(":", "").replace("-", "")
    path = folder / f"{value['sequence']:06d}-{moment}.json"
    if any(one.name.startswith(f"{value['sequence']:06d}-") for one in files_of(folder)):
        raise StoreError(f"{folder} has a number {value['sequence']} already: another audit ran. Run this one again.")
    draft = folder / f".{path.name}.draft"
    draft.write_bytes(canonical(value))
    try:
        if key is not None:
            _sign(draft, key).rename(path.with_name(f"{path.name}.sig"))
        try:
            os.link(draft, path)  # unlike a rename, it refuses to replace
        except FileExistsError:
            raise StoreError(f"{path} exists already: another audit wrote it. Run this one again.") from None
    finally:
        draft.unlink()
    return path


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


def verify_chain(folder: Path, *, signers: Sequence[str] = (), unsigned: bool = False) -> list[Link]:
    """Every document of a folder up to the first that is no good, whose `problem` says why.

    `signers` are the fingerprints of the keys that count; empty, any key does, and each link tells whose it was.
    `unsigned` lets documents without a signature pass. What was cut off at the end is not seen: hold the last link's
    SHA-256 against a copy kept elsewhere.
    """
    links: list[Link] = []
    before: tuple[str, bytes, dict[str, Any]] | None = None
    for path in files_of(folder):
        content = path.read_bytes()
        problem = link_problem(content, before[2]["environment"] if before else None, before)
        signer, fault = _signer(path, content)
        problem = problem or fault or _refused(signer, signers, unsigned=unsigned)
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


def _refused(signer: str | None, signers: Sequence[str], *, unsigned: bool) -> str | None:
    if signer is None:
        return None if unsigned else "is not signed"
    if signers and signer not in signers:
        return f"was signed by {signer}, whose signature does not count"
    return None
