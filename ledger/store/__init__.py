"""The transaction and what it stands on: keys and chain, clock, work rows and events to be published, alarms."""
