"""The page behind an invitation: its owner chooses a password and tries the authenticator once."""

from __future__ import annotations

from typing import Any

import pyotp
from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import login_user

from desk.auth import SessionUser
from ledger.errors import Expired, NotFound
from ledger.staff import attempts, invitations
from ledger.store.unit_of_work import Ledger


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("invitation", __name__, template_folder="templates", url_prefix="/invite")

    def page(token: str, problem: str = "") -> Any:
        try:
            invited = invitations.invited(ledger, token)
        except (NotFound, Expired) as over:
            expired = isinstance(over, Expired)
            return render_template("desk/invitation_over.html", expired=expired), 410 if expired else 404
        uri = pyotp.TOTP(invited.totp_secret).provisioning_uri(name=invited.username, issuer_name="Stopline")
        shown = {"invited": invited, "secret": _in_fours(invited.totp_secret), "uri": uri, "problem": problem}
        least = invitations.MIN_PASSWORD
        return render_template("desk/invitation.html", least=least, **shown), 422 if problem else 200

    @bp.get("/<token>")
    def show(token: str) -> Any:
        return page(token)

    @bp.post("/<token>")
    def accept(token: str) -> Any:
        """`password`, `otp`: a code from the authenticator that was just set up."""
        password, otp = request.form.get("password", "")[:200], request.form.get("otp", "")[:20]
        attempts.check(ledger, attempts.INVITATION, request.remote_addr)
        with ledger.begin("attempt") as uow:
            attempts.count(uow, attempts.INVITATION, request.remote_addr)
        try:
            user = invitations.accept(ledger, token, password, otp)
        except ValueError:
            return page(token, "password")
        except (NotFound, Expired):
            return page(token)
        if user is None:
            return page(token, "otp")
        login_user(SessionUser(ledger, user))
        return redirect(url_for("auth.desk"), 303)

    return bp


def _in_fours(secret: str) -> str:
    """As it is typed into an authenticator that cannot take the link."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
