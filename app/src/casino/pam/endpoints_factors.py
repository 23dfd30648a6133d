"""HTTP of second factors: authenticator app, recovery codes, WebAuthn keys."""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter, Response

from casino.kernel.http import Parts, Player
from casino.kernel.identity import Principal
from casino.pam.bodies import (
    CodeBody,
    FactorsAnswer,
    KeyEntry,
    KeyList,
    KeyOptions,
    NewKey,
    RecoveryCodes,
    TotpAnswer,
)
from casino.pam.factors import Factors, FactorUnknown
from casino.pam.module import PlayerModule
from casino.pam.proof import require_recent

router = APIRouter()


def _sensitive(parts: Parts, player: Principal) -> Factors:
    module = parts.get(PlayerModule)
    require_recent(player, module.clock.now())
    return module.factors


@router.get("/mfa")
async def factors(parts: Parts, player: Player) -> FactorsAnswer:
    """Which second factors the account has."""
    found = parts.get(PlayerModule).factors
    return FactorsAnswer(
        totp=await found.has_totp(player.player_id),
        keys=len(await found.keys(player.player_id)),
        recovery_codes_left=await found.recovery_codes_left(player.player_id),
    )


@router.post("/mfa/totp", status_code=201)
async def begin_totp(parts: Parts, player: Player) -> TotpAnswer:
    """A secret for an authenticator app, shown once. Refuses REAUTHENTICATION_REQUIRED, FACTOR_EXISTS."""
    set_up = await _sensitive(parts, player).begin_totp(player.player_id)
    return TotpAnswer(secret=set_up.secret, uri=set_up.uri)


@router.post("/mfa/totp/confirmation")
async def confirm_totp(body: CodeBody, parts: Parts, player: Player) -> RecoveryCodes:
    """The app's first code: it counts from now on. Answers recovery codes. Refuses CODE_WRONG."""
    codes = await _sensitive(parts, player).confirm_totp(player.player_id, body.code.replace(" ", ""))
    return RecoveryCodes(recovery_codes=codes)


@router.delete("/mfa/totp", status_code=204)
async def remove_totp(parts: Parts, player: Player) -> Response:
    """Remove the authenticator app. Refuses REAUTHENTICATION_REQUIRED, FACTOR_UNKNOWN."""
    await _sensitive(parts, player).remove_totp(player.player_id)
    return Response(status_code=204)


@router.post("/mfa/recovery-codes", status_code=201)
async def renew_recovery_codes(parts: Parts, player: Player) -> RecoveryCodes:
    """New recovery codes in place of the old ones. Refuses REAUTHENTICATION_REQUIRED."""
    return RecoveryCodes(recovery_codes=await _sensitive(parts, player).renew_recovery_codes(player.player_id))


@router.post("/webauthn/registration-options")
async def begin_key(parts: Parts, player: Player) -> KeyOptions:
    """Options to make a key with. Refuses REAUTHENTICATION_REQUIRED, WEBAUTHN_UNAVAILABLE."""
    options = await _sensitive(parts, player).begin_key(player.player_id)
    return KeyOptions(ceremony_id=options.ceremony_id, options=options.options)


@router.post("/webauthn/credentials", status_code=201)
async def finish_key(body: NewKey, parts: Parts, player: Player) -> RecoveryCodes:
    """Keep a new key; answers recovery codes when the account had none. Refuses WEBAUTHN_FAILED."""
    found = _sensitive(parts, player)
    codes = await found.finish_key(player.player_id, body.ceremony_id, body.credential, body.name)
    return RecoveryCodes(recovery_codes=codes)


@router.get("/webauthn/credentials")
async def keys(parts: Parts, player: Player) -> KeyList:
    """The account's keys."""
    rows = await parts.get(PlayerModule).factors.keys(player.player_id)
    return KeyList(
        keys=[
            KeyEntry(
                credential_id=base64.urlsafe_b64encode(row.credential_id).decode().rstrip("="),
                name=row.name,
                created_at=row.created_at,
                used_at=row.used_at,
            )
            for row in rows
        ]
    )


@router.delete("/webauthn/credentials/{credential_id}", status_code=204)
async def remove_key(credential_id: str, parts: Parts, player: Player) -> Response:
    """Remove a key. Refuses REAUTHENTICATION_REQUIRED, FACTOR_UNKNOWN."""
    found = _sensitive(parts, player)
    try:
        raw = base64.urlsafe_b64decode(credential_id.encode() + b"==")
    except (binascii.Error, UnicodeEncodeError):
        raise FactorUnknown("The account has no such key.") from None
    await found.remove_key(player.player_id, raw)
    return Response(status_code=204)
