#!/bin/bash
# The whole service with a made-up school and simulated phones, in one process. Everything it keeps is in var/demo.
set -eu
cd "$(dirname "$0")/.."
port=${PORT:-8110} folder=var/demo
export STOPLINE_DATABASE_URL=sqlite:///$folder/stopline.db STOPLINE_BROKER_URL=ledger:// STOPLINE_CHANNEL=simulator
export STOPLINE_PUBLIC_URL=http://127.0.0.1:$port
stopline=.venv/bin/stopline
$stopline db upgrade > /dev/null
if [ ! -s $folder/accounts ]; then
  $stopline roster demo > /dev/null
  { $stopline user add officer --role officer --phone 13800001004 --json
    $stopline user add night --role officer --phone 13800001005 --json
    $stopline user add desk --role security --phone 13800001008 --json
    $stopline user add counselor --role counselor --phone 13800001001 --json
    $stopline user add centre --role psychologist --phone 13800001014 --json
    $stopline user add keeper --role keeper --phone 13800001019 --college WY --json
    $stopline user add leader --role leader --phone 13800001015 --college WY --json; } > $folder/accounts.new
  mv $folder/accounts.new $folder/accounts
fi
cat <<TEXT

Stopline 止付快线: a made-up school, simulated phones. Nothing leaves this machine.

  report form       $STOPLINE_PUBLIC_URL/          (student 2026010101, phone 13800000001)
  simulated phones  $STOPLINE_PUBLIC_URL/simulator
  duty page         $STOPLINE_PUBLIC_URL/duty
  desk              $STOPLINE_PUBLIC_URL/desk
  API               $STOPLINE_PUBLIC_URL/docs

Demo accounts (the six digits for signing in: scripts/otp NAME, in another window):
$(sed -E 's/.*"username": "([^"]*)", "password": "([^"]*)", "totp_secret": "([^"]*)".*/  \1   password \2   TOTP secret \3/' $folder/accounts)

A drill: STOPLINE_DATABASE_URL=$STOPLINE_DATABASE_URL STOPLINE_PUBLIC_URL=$STOPLINE_PUBLIC_URL $stopline drill
Ctrl-C stops it.

TEXT
exec $stopline up --port "$port"
