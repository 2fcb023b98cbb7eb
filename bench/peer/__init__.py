"""What a competent developer would build instead: Flask, SQLAlchemy, Celery 5 on RabbitMQ. Does the same job: a report
stored, police and counselor texted, a follow-up opened; with none of the guarantees."""
