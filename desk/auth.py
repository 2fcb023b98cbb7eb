"""Signing in: user name, password and a code from an authenticator; roles are asked for at every page."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, abort, current_app, redirect, render_template, request, url_for
from flask_login import LoginManager, current_user, login_url, login_user, logout_user
from flask_login import login_required as signed_in
from werkzeug.wrappers import Response

from ledger.staff import accounts, attempts, remembered
from ledger.staff.accounts import User
from ledger.store import anchors
from ledger.store.unit_of_work import Ledger
from ledger.values import clean_text

View = Callable[..., Any]
_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")
HOME = {
    "officer": "duty.waiting",
    "security": "board.wall",
    "admin": "board.wall",
    "counselor": "care.follow_ups",
    "leader": "figures.page",
    "psychologist": "care.centre",
    "keeper": "keeper.listed",
}


class SessionUser:
    """What Flask-Login keeps of a user: the id and the epoch, which a disabled person's session no longer matches."""

    is_authenticated = is_active = True
    is_anonymous = False

    def __init__(self, ledger: Ledger, user: User) -> None:
        self.ledger, self.user = ledger, user

    def get_id(self) -> str:
        return f"{self.user.id}:{self.user.epoch}"

    def log(self, action: str, *read: str) -> None:
        """Note in the ledger what this user read, or was refused."""
        with self.ledger.begin("read-log") as uow:
            anchors.log_reads(uow, f"user:{self.user.id}", action, read)


def me() -> User:
    user: User = current_user.user
    return user


def roles(*allowed: str) -> Callable[[View], View]:
    """Only for these roles: others who are signed in get 403."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if me().role not in allowed:
                current_user.log("page.denied", f"page:{request.endpoint}")
                abort(403)
            return view(*args, **kwargs)

        result: View = signed_in(guarded)
        return result

    return guard


def install(app: Flask, ledger: Ledger) -> None:
    # Its context processor would look a user up for every page, also for those that say the ledger is away.
    manager = LoginManager(app, add_context_processor=False)
    manager.login_view, manager.login_message = "auth.login", None
    manager.session_protection = None  # it binds to the address, which changes on mobile networks

    @manager.unauthorized_handler  # type: ignore[untyped-decorator]
    def ask_to_sign_in() -> Any:
        """A program (the police's own, of a sheet) is told so; a person is led there."""
        if request.path.endswith(".json"):
            abort(401)
        return redirect(login_url("auth.login", request.url))

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(session_id: str) -> SessionUser | None:
        user_id, _, epoch = session_id.partition(":")
        with ledger.read() as conn:
            user = accounts.by_session(conn, UUID(user_id), int(epoch))
        return SessionUser(ledger, user) if user else None


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("auth", __name__, template_folder="templates")

    @bp.get("/login")
    def login() -> str:
        return render_template("desk/login.html", failed=False, username="")

    @bp.post("/login")
    def sign_in() -> Any:
        username, password = clean_text(request.form.get("username", ""), 64), request.form.get("password", "")[:200]
        otp, phone = request.form.get("otp", "")[:20], request.cookies.get(_phone_cookie())
        attempts.check(ledger, attempts.SIGN_IN, request.remote_addr)
        user = accounts.sign_in(ledger, username, password, otp, phone)
        if user is None:
            with ledger.begin("attempt") as uow:
                attempts.count(uow, attempts.SIGN_IN, request.remote_addr)
            return render_template("desk/login.html", failed=True, username=username), 401
        login_user(SessionUser(ledger, user))
        response = redirect(_local(request.args.get("next")) or url_for("auth.desk"), 303)
        if request.form.get("remember") and otp.strip():
            with ledger.begin("remember") as uow:
                _keep_phone(response, remembered.remember(uow, user.id))
        return response

    @bp.post("/logout")
    @signed_in  # type: ignore[untyped-decorator]
    def logout() -> Response:
        """On every device: the cookie of one session cannot be called back. This phone is forgotten, too."""
        phone = request.cookies.get(_phone_cookie())
        with ledger.begin("sign-out") as uow:
            accounts.end_sessions(uow, me().id)
            if phone:
                remembered.forget(uow, me().id, phone)
        logout_user()
        response = redirect(url_for("auth.login"), 303)
        _keep_phone(response, "")
        return response

    @bp.get("/desk")
    @signed_in  # type: ignore[untyped-decorator]
    def desk() -> Any:
        return redirect(url_for(HOME[me().role]), 303)

    return bp


def _phone_cookie() -> str:
    return "__Host-phone" if current_app.config["SESSION_COOKIE_SECURE"] else "phone"


def _keep_phone(response: Response, token: str) -> None:
    """An empty token takes the cookie back."""
    lasts = int(remembered.LASTS.total_seconds()) if token else 0
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(_phone_cookie(), token, max_age=lasts, secure=secure, httponly=True, samesite="Lax", path="/")


def _local(address: str | None) -> str | None:
    """Only a path of ours: a full address would send people elsewhere, and browsers read \\ as / and skip tabs."""
    return address if address and _PATH.fullmatch(address) else None
