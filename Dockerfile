FROM python:3.11-slim-bookworm
RUN useradd --system --create-home --home-dir /var/lib/stopline stopline
WORKDIR /srv/stopline
COPY requirements.lock ./
RUN pip install --no-cache-dir -r requirements.lock
COPY pyproject.toml README.md ./
COPY ledger ledger
COPY notifier notifier
COPY intake intake
COPY desk desk
COPY services services
# The Twilio double, for trying it out without an account.
COPY tests tests
RUN pip install --no-cache-dir --no-deps .
USER stopline
ENV PYTHONUNBUFFERED=1 STOPLINE_STATE_DIR=/var/lib/stopline
ENTRYPOINT ["stopline"]
