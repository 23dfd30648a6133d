"""A studio for development: the simulator of lab/simulators/studio with keys of its own, in both dialects."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

GAMES = Path(__file__).with_name("studio_games.json")
OPERATOR = "casino-dev"


def studio_command(root: Path, port: int) -> list[str]:
    """The studio simulator on loopback, without TLS."""
    script = root / "lab" / "simulators" / "studio" / "studio_simulator.py"
    return [sys.executable, str(script), "--listen", f"127.0.0.1:{port}"]


def studio_environments(studio_port: int, casino_port: int) -> tuple[dict[str, str], dict[str, str]]:
    """The variables of the casino and those of the simulator, which know each other by keys made now."""
    casino_url = f"http://127.0.0.1:{casino_port}/api/v1/studios"
    studio_url = f"http://127.0.0.1:{studio_port}"
    casino_key, studio_key = _key(), _key()
    secret = secrets.token_hex(32)
    where = {"api_url": studio_url, "launch_url": f"{studio_url}/play"}
    studios = [
        {"studio": "northwind", "name": "Northwind Games", "dialect": "rsa_status", **where},
        {"studio": "lumen", "name": "Lumen Studio", "dialect": "hmac_actions", **where},
    ]
    keys = {
        "northwind": {
            "operator": OPERATOR,
            "studio_public_key": _public(studio_key),
            "operator_private_key": _private(casino_key),
        },
        "lumen": {"operator": OPERATOR, "secret": secret},
    }
    dialects = {
        "rsa_status": {
            "operator_url": f"{casino_url}/northwind",
            "private_key": _private(studio_key),
            "operator_public_key": _public(casino_key),
        },
        "hmac_actions": {"operator_url": f"{casino_url}/lumen", "operator": OPERATOR, "secret": secret},
    }
    casino = {"CASINO_STUDIOS": json.dumps(studios), "CASINO_STUDIO_SECRETS": json.dumps(keys)}
    return casino, {"STUDIO_DIALECTS": json.dumps(dialects)}


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _public(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
