#!/bin/bash
# Makes the files of secrets/ that docker-compose.yml hands to its containers. Files that are there already stay.
# Keep a copy of data_keys and index_key away from the database: without them the ledger cannot be read again.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets
keep() { [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }
keep secret_key "$(openssl rand -hex 32)"
keep data_keys "k1:$(openssl rand -base64 32)"
keep index_key "$(openssl rand -base64 32)"
keep database_password "$(openssl rand -hex 16)"
keep database_url "postgresql+psycopg://stopline:$(cat secrets/database_password)@db/stopline"
broker_password=$(openssl rand -hex 16)
[ -s secrets/rabbitmq_conf ] || printf 'default_user = stopline\ndefault_pass = %s\n' "$broker_password" > secrets/rabbitmq_conf
keep broker_url "amqp://stopline:$(sed -n 's/^default_pass = //p' secrets/rabbitmq_conf)@rabbit:5672/%2F"
keep twilio_auth_token token-of-the-double
# Compose mounts secrets with the owner and mode they have here; the containers read them as another user.
chmod 444 secrets/*
ls secrets
[ "$(cat secrets/twilio_auth_token)" != token-of-the-double ] || echo "secrets/twilio_auth_token is that of the double: for Twilio itself put yours there" >&2
