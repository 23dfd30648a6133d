"""What player account management refuses, by its stable codes."""

from __future__ import annotations

from casino.kernel.errors import CasinoError
from casino.pam.sessions import LoginThrottle


class EmailTaken(CasinoError):
    status, code = 409, "EMAIL_TAKEN"
    rule = "one account for each e-mail address"
    remedy = "Log in instead, or register with another address."


class BadCredentials(CasinoError):
    """Also of a locked account, whatever the password: otherwise guessing would go on against the lock."""

    status, code = 401, "BAD_CREDENTIALS"
    rule = "address and password must match an account"
    remedy = "Check both and try again, or reset the password: after several failures an account is locked for a time."


class LoginRateLimited(CasinoError):
    status, code = 429, "LOGIN_RATE_LIMITED"
    rule = f"at most {LoginThrottle.LIMIT} failed log-ins in {LoginThrottle.WINDOW_S // 60} minutes"


class RateLimited(CasinoError):
    status, code = 429, "RATE_LIMITED"
    rule = "so many requests of one kind in a time"


class SecondFactorRequired(CasinoError):
    status, code = 401, "SECOND_FACTOR_REQUIRED"
    rule = "the account has a second factor"
    remedy = "Send the code of the authenticator app, a recovery code, or the answer of a key."


class SecondFactorWrong(CasinoError):
    status, code = 401, "SECOND_FACTOR_WRONG"
    rule = "a code counts once, within its half minute"
    remedy = "Wait for the next code and try again."


class AccountNotAvailable(CasinoError):
    """Told to who knows the password alone."""

    status, code = 403, "ACCOUNT_NOT_AVAILABLE"
    rule = "suspended, excluded, closed and merged accounts have no sessions"
    remedy = "Ask the casino's support."


class ReauthenticationRequired(CasinoError):
    status, code = 403, "REAUTHENTICATION_REQUIRED"
    rule = "what is sensitive is done by who proved a short time ago who they are"
    remedy = "POST /api/v1/sessions/current/reauthentication, then repeat the request."


class ResetTokenInvalid(CasinoError):
    status, code = 422, "RESET_TOKEN_INVALID"
    rule = "a reset's token counts once, for a short time"
    remedy = "Ask for another message."


class SessionUnknown(CasinoError):
    status, code = 404, "SESSION_UNKNOWN"
    rule = "only the player's own open sessions can be ended"


class DeviceUnknown(CasinoError):
    status, code = 404, "DEVICE_UNKNOWN"
    rule = "only the player's own devices can be forgotten"


class PlayerUnknown(CasinoError):
    status, code = 404, "PLAYER_UNKNOWN"
    rule = "the account exists"
