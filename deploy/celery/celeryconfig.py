"""Settings of Celery. What a site changes is an environment variable (celery.env.example)."""

import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from celery.beat import BeatLazyFunc
from celery.schedules import crontab

# A day of one source takes a few minutes; this is for the longest.
TASK_SECONDS = int(os.environ.get("GIGGLES_TASK_SECONDS", "1500"))
# Between SIGTERM and SIGKILL. A run that is sound ends within two seconds.
GRACE_SECONDS = 15
RETRY_SECONDS = int(os.environ.get("GIGGLES_RETRY_SECONDS", "60"))
RETRY_SECONDS_MAX = 30 * RETRY_SECONDS
RETRIES = 8
CHECK_SECONDS = int(os.environ.get("GIGGLES_CHECK_SECONDS", "600"))
CHECKS = 36
# How often check_day sends scans again that have made no progress between two checks.
SENT_AGAIN = 2

broker_url = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# The database holds all results. No result backend can disagree with it.
task_ignore_result = True

# A message stays in the broker until its task has ended, so a worker that is killed loses nothing.
task_acks_late = True
task_reject_on_worker_lost = True
# The retries of a task whose process is killed are counted, too: a task that kills its process does not run for ever.
task_retry_on_worker_lost = True
task_acks_on_timeout = False
worker_prefetch_multiplier = 1
# After a broken connection a task goes on; its message comes again, and the second run finds the recordings analyzed.
worker_cancel_long_running_tasks_on_connection_loss = False
# SIGTERM or SIGKILL of a run that is too slow is tasks.py's part. The hard limit is for a process that hangs itself.
task_soft_time_limit = TASK_SECONDS
task_time_limit = TASK_SECONDS + 2 * GRACE_SECONDS
# A broker may be away for about fifteen minutes while a message is sent.
task_publish_retry_policy = {"max_retries": 100, "interval_start": 0, "interval_step": 1, "interval_max": 10}

# One session of Postgres and one core per task.
worker_concurrency = int(os.environ.get("GIGGLES_CONCURRENCY") or os.cpu_count() or 1)
# Flower and celery-exporter read events.
worker_send_task_events = True

if broker_url.startswith("redis"):
    # Redis does not notice that a worker is gone: its messages come back after this time. It must exceed the longest
    # time that a worker keeps a message: waiting for a retry, then running.
    longest = max(RETRY_SECONDS_MAX, CHECK_SECONDS) + task_time_limit
    broker_transport_options = {
        "visibility_timeout": int(os.environ.get("GIGGLES_VISIBILITY_SECONDS") or longest + 60),
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_keepalive": True,
        "socket_timeout": 30,
    }
else:
    broker_transport_options = {"confirm_publish": True}

timezone = os.environ.get("GIGGLES_TZ", "UTC")


def yesterday() -> str:
    return (datetime.now(ZoneInfo(timezone)) - timedelta(days=1)).date().isoformat()


# Beat fixes the date when it sends the message: however late a worker takes it, the day is the same.
beat_schedule = {
    "plan_day": {
        "task": "giggles.plan_day",
        "schedule": crontab.from_string(os.environ.get("GIGGLES_PLAN_AT", "30 2 * * *")),
        "kwargs": {"date": BeatLazyFunc(yesterday)},
    },
}
