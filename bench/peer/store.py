"""What the peer's web tier and its workers share: tables, the provider's client, the job itself."""

from __future__ import annotations

import os
import secrets
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, create_engine, func
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

POLICE, COUNSELOR, SENDER = "+15550001111", "+15550002222", "+15550009999"
LETTERS = "23456789ABCDEFGHJKMPQRTUVWXY"


class Base(DeclarativeBase):
    pass


class Report(Base):
    __tablename__ = "peer_reports"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    code: Mapped[str]
    phone: Mapped[str] = mapped_column(Text)
    amount: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Any] = mapped_column(DateTime(timezone=True), server_default=func.now())


class FollowUp(Base):
    __tablename__ = "peer_follow_ups"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    report_id: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[Any] = mapped_column(DateTime(timezone=True), server_default=func.now())


def sessions(connections: int) -> sessionmaker[Session]:
    return sessionmaker(create_engine(os.environ["PEER_DATABASE"], pool_size=connections), expire_on_commit=False)


def prepare() -> None:
    Base.metadata.create_all(create_engine(os.environ["PEER_DATABASE"]))


def new_code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(7))


class Nearby(TwilioHttpClient):
    """The official client as it comes (requests, kept-alive), sent to the double."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(
            method, url.replace("https://api.twilio.com", os.environ["PEER_PROVIDER"]), *args, **kwargs
        )


def provider() -> Client:
    return Client("AC" + "0" * 32, "token", http_client=Nearby(timeout=10))


def tell_police(client: Client, report: Report) -> None:
    client.messages.create(to=POLICE, from_=SENDER, body=f"紧急止付{report.code}:转出{report.amount}元")


def tell_counselor(client: Client, report: Report) -> None:
    client.messages.create(to=COUNSELOR, from_=SENDER, body=f"{report.code}:您的1名学生刚报告被骗")


def follow_up(session: Session, report_id: int) -> None:
    session.add(FollowUp(report_id=report_id))
    session.commit()
