"""The page at `/` and its forms. Playing goes through the JSON interface with the page's cookie and CSRF token."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ValidationError
from starlette.staticfiles import StaticFiles

from casino import __version__
from casino.compliance.api import ACTS, Rules, RulesInForce
from casino.gal.api import Games, Rounds
from casino.kernel.addresses import client_address
from casino.kernel.container import Container
from casino.kernel.error_handlers import describe_validation
from casino.kernel.errors import CasinoError, RequestInvalid
from casino.kernel.http import CsrfFailed, MaybePlayer, Parts, cookie_name, require_csrf, session_token
from casino.kernel.identity import Authenticator, Principal
from casino.kernel.money import format_minor
from casino.kernel.settings import Settings
from casino.pam.api import Claim, LoginRequest, PlayerAccounts, Where, registration_model
from casino.wallet.api import OperationInForce, Wallet

router = APIRouter(include_in_schema=False)

HISTORY_ROWS = 10
NAMES = {
    "round": "Round",
    "bet": "Stake",
    "bet_settled": "Result",
    "bet_void": "Stake returned",
    "deposit": "Deposit",
    "bet_return": "Stake returned",
    "win": "Win",
    "jackpot_win": "Jackpot",
    "withdrawal_request": "Withdrawal",
    "withdrawal_release": "Withdrawal taken back",
    "withdrawal_returned": "Withdrawal returned",
}
"""What the history calls a movement."""
NOTICES = {
    "registered": "Your account is ready. Log in to play.",
    "excluded": "You have excluded yourself, and are logged out. Your balance stays yours: ask us to pay it out.",
}
"""What the page says after an act that ended somewhere else, by the name in its address."""
HISTORY_KINDS = {
    "rounds": "Play", "wins": "Wins", "deposits": "Deposits", "withdrawals": "Withdrawals", "others": "Anything else",
}  # fmt: skip
LIMIT_KINDS = {"deposit": "Deposits", "loss": "Losses", "stake": "Stakes", "session": "Session time"}
LIMIT_PERIODS = {"day": "a day", "week": "a week", "month": "a month"}
Model = TypeVar("Model", bound=BaseModel)

_templates = Environment(
    loader=PackageLoader("casino.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.filters["money"] = lambda minor, rules: format_minor(minor, rules.currency, rules.currency_exponent)


def add_static_files(app: FastAPI) -> None:
    """Style sheet and script, from the package."""
    app.mount("/static", StaticFiles(packages=[("casino.web", "static")]), name="static")


async def form(request: Request) -> dict[str, str]:
    """The fields of a form of our own page. Refuses with CsrfFailed a form that another site sent."""
    origin = request.headers.get("origin")
    # By name, not by port: an ingress may drop the port from Host, and SameSite cookies do not tell ports apart.
    if origin is not None and urlsplit(origin).hostname != urlsplit(f"//{request.headers.get('host', '')}").hostname:
        raise CsrfFailed("The form came from another site.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise CsrfFailed("The form came from another site.")
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise RequestInvalid("The form is not valid.") from None
    return {name: values[0] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(form)]


@router.get("/")
async def page(request: Request, parts: Parts, player: MaybePlayer) -> Response:
    """The whole casino on one page: the forms, or the game when a session is open."""
    told = [text for name, text in NOTICES.items() if name in request.query_params]
    return await _page(parts, player, notice=told[0] if told else None)


@router.post("/register")
async def register(request: Request, parts: Parts, fields: Form) -> Response:
    """Register, then ask to log in."""
    try:
        accounts = parts.get(PlayerAccounts)
        address = client_address(request, parts.get(Settings).trusted_proxies)
        await accounts.register_body(_parse(registration_model(accounts.required), fields), address)
    except CasinoError as refused:
        return await _page(parts, None, error=refused, email=fields.get("email", ""))
    return RedirectResponse("/?registered", 303)


@router.post("/login")
async def login(request: Request, parts: Parts, fields: Form) -> Response:
    """Open a session and keep its token where scripts cannot read it."""
    try:
        body = _parse(LoginRequest, fields)
        where = Where(client_address(request, parts.get(Settings).trusted_proxies))
        opened = await parts.get(PlayerAccounts).open_session(
            body.email, Claim(body.password, fields.get("code", "")[:32] or None), where=where
        )
    except CasinoError as refused:
        return await _page(parts, None, error=refused, email=fields.get("email", ""))
    settings = parts.get(Settings)
    response = RedirectResponse("/", 303)
    # No Max-Age: the browser forgets it at its end, the server when it was idle for too long.
    response.set_cookie(
        cookie_name(settings), opened.token, httponly=True, secure=settings.cookie_secure, samesite="strict", path="/"
    )
    return response


@router.post("/logout")
async def logout(request: Request, parts: Parts, fields: Form) -> Response:
    """End the session."""
    settings = parts.get(Settings)
    token, _ = session_token(request, settings)
    response = RedirectResponse("/", 303)
    if token is not None:
        player = await parts.get(Authenticator).authenticate(token)  # type: ignore[type-abstract]
        if player is not None:
            require_csrf(player, fields.get("csrf_token", ""))
            await parts.get(PlayerAccounts).logout(token)
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.cookie_secure, httponly=True, samesite="strict"
    )
    return response


def _parse(model: type[Model], fields: dict[str, str]) -> Model:
    try:
        return model.model_validate({name: fields.get(name, "") for name in model.model_fields})
    except ValidationError as error:
        raise describe_validation(error.errors()) from None


async def _page(
    parts: Container,
    player: Principal | None,
    *,
    error: CasinoError | None = None,
    notice: str | None = None,
    email: str = "",
) -> HTMLResponse:
    rules, settings, wallet = parts.get(RulesInForce).current, parts.get(Settings), parts.get(Wallet)
    games, rounds = parts.get(Games).offered(player), parts.get(Rounds).offered(player)
    context: dict[str, Any] = {
        "brand": settings.brand,
        "realtime_url": settings.realtime_url or "",
        "rules": rules,
        "version": __version__,
        "game": games[0] if games else None,
        "poker": next((one for one in rounds if one.kind == "video_poker"), None),
        "names": NAMES,
        "player": player,
        "error": error,
        "notice": notice,
        "email": email,
        "fields": parts.get(PlayerAccounts).form_fields,
        "open": {act: parts.get(OperationInForce).may(act) for act in ACTS},
        "sandbox": any(psp.name == "sandbox" for psp in settings.psp),
    }
    if player is not None:
        context["balance"] = await wallet.balance(player.account_id)
        history = await wallet.history(player.account_id, None, HISTORY_ROWS)
        context |= {"history": history.entries, "history_next": history.next, "history_kinds": HISTORY_KINDS}
        context |= {"limit_kinds": LIMIT_KINDS, "limit_periods": LIMIT_PERIODS, "protection": _protection(rules)}
    return HTMLResponse(_templates.get_template("page.html").render(context), error.status if error else 200)


def _protection(rules: Rules) -> dict[str, Any]:
    """What the page says of limits and exclusions before anybody asks the casino for one."""
    return {
        "kinds": LIMIT_KINDS,
        "periods": LIMIT_PERIODS,
        "limits": [one.model_dump(include={"kind", "period", "maximum"}) for one in rules.limits],
        "confirmed": rules.limit_loosening_confirmed,
        "endlessDays": max(rules.self_exclusion_minimum_days, rules.self_exclusion_endless_days),
        "endsByItself": rules.self_exclusion_ends == "automatically",
        "returnHours": rules.self_exclusion_return_hours,
        "mayLogIn": rules.self_excluded_may_log_in,
        "realityMinutes": rules.reality_check_minutes,
    }
