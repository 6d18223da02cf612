"""AWS Lambda for a fleet: `plan` makes a message per source and day, `work` runs giggles for each, `check` checks the day.

    plan(event):                                  from the schedule, or when a source's day is complete in the bucket
        date, once:  the day before the event's time in the zone, or the date in the event
        for each source:  send {"source", "date"} to the FIFO queue; the source is the message group

    work(event):                                  from the queue
        for each message, in order:
            too little time left, or an earlier message of its group failed:  give it back
            run giggles scan --source SOURCE --date DATE
                ended by us, for lack of time  ->  AWS Batch, if set; else give it back
                0, 3, 4                        ->  done: committed, or nothing to do
                2, 78, an invalid message      ->  dead-letter queue, at once: a retry would end in the same way
                75, 1, signals, unknown codes  ->  give it back, visible again after a pause
        return the messages that are given back

    check(event):                                 from the schedule of the morning
        giggles status of all sources of the bucket; fails unless the day is complete

Exit codes are explained in the README of giggles. A message that arrives twice is harmless: giggles skips what is stored.
"""

import datetime
import hashlib
import json
import os
import subprocess
import sys
import threading
import zoneinfo
from pathlib import Path

import boto3

DONE = {0, 3, 4}
NOT_RETRIED = {2, 78}
# Seconds that giggles has for its rollback, and then this program for its answer.
RESERVE = 20
# Pauses after the first, second, … failure: two minutes, then three times as long each, at most this long.
LONGEST_PAUSE = 43_200
DAY_IS_COMPLETE = ".complete"


class Invalid(Exception):
    """A message or an event that cannot be carried out."""


def setting(name, default=None):
    value = os.environ.get(name) or default
    if value is None:
        raise KeyError(f"the environment variable {name} is not set")
    return value


# ---------------------------------------------------------------------------------------------------------- plan


def plan(event, _context):
    """Sends a message for each source and day of the event; returns how many."""
    days = [day_of_marker(event["detail"]["object"]["key"])] if "detail" in event else plan_day(event)
    queue = boto3.client("sqs")
    for start in range(0, len(days), 10):
        entries = [entry(number, *day) for number, day in enumerate(days[start : start + 10])]
        sent = queue.send_message_batch(QueueUrl=setting("QUEUE_URL"), Entries=entries)
        if sent.get("Failed"):
            # The event comes again; the days that were sent are then sent twice, which is harmless.
            raise RuntimeError(f"{len(sent['Failed'])} messages were not accepted: {sent['Failed'][0]}")
    return {"messages": len(days)}


def plan_day(event):
    """The same day of every source of the bucket."""
    return [(source, date_of(event)) for source in event.get("sources") or sources()]


def date_of(event):
    """The day of the event, or the one before its time. A retry has the same time, and so the same day."""
    if "date" in event:
        return event["date"]
    time = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    zone = zoneinfo.ZoneInfo(setting("GIGGLES_TZ", "UTC"))
    return (time.astimezone(zone).date() - datetime.timedelta(days=1)).isoformat()


def sources():
    """The folders at the top of the bucket."""
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=setting("RECORDINGS_BUCKET"), Delimiter="/")
    return [prefix["Prefix"].rstrip("/") for page in found for prefix in page.get("CommonPrefixes", [])]


def day_of_marker(key):
    """`neil/2026-11-29.complete`: whoever uploads writes this object last."""
    source, _, name = key.rpartition("/")
    if not source or not name.endswith(DAY_IS_COMPLETE):
        raise Invalid(f"{key!r} is not SOURCE/DATE{DAY_IS_COMPLETE}")
    return source, name.removesuffix(DAY_IS_COMPLETE)


def entry(number, source, date):
    # A group's name may have 128 characters, without spaces; a source may be any text.
    group = hashlib.sha256(source.encode()).hexdigest()
    body = json.dumps({"source": source, "date": date})
    once = hashlib.sha256(body.encode()).hexdigest()
    return {"Id": str(number), "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": once}


# ---------------------------------------------------------------------------------------------------------- work


def work(event, context):
    """Runs giggles for each message; returns those that are to come again."""
    given_back, stopped = [], set()
    for record in event["Records"]:
        group = record["attributes"].get("MessageGroupId")
        if group in stopped or not carry_out(record, context):
            stopped.add(group)
            given_back.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": given_back}


def carry_out(record, context):
    """Whether the message is dealt with."""
    left = context.get_remaining_time_in_millis() / 1000 - RESERVE
    if left < float(setting("MINIMUM_SECONDS", "240")):
        log("given back: too little time left", record)
        pause(record, 0)
        return False
    try:
        source, date = parse(record["body"])
    except Invalid as reason:
        return to_dead_letters(record, str(reason))
    code, out_of_time = scan(source, date, left, record["messageId"])
    if code in DONE:
        return True
    if out_of_time and os.environ.get("LONG_DAYS_QUEUE"):
        return send_to_batch(record, source, date)
    if code in NOT_RETRIED:
        return to_dead_letters(record, f"giggles ended with {code}")
    failures = int(record["attributes"]["ApproximateReceiveCount"])
    log(f"given back: giggles ended with {code}", record)
    pause(record, min(120 * 3 ** (failures - 1), LONGEST_PAUSE))
    return False


def parse(body):
    try:
        message = json.loads(body)
        source, date = message["source"], message["date"]
        datetime.date.fromisoformat(date)
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"not a source and a date: {error}") from error
    # A source is a part of a path: a message must not lead out of the bucket's folder of that source.
    if not isinstance(source, str) or "/" in source or source in ("", ".", ".."):
        raise Invalid("the source is not a name")
    return source, date


def arguments(source, date, log_format, *more):
    """The arguments of giggles, here and in AWS Batch."""
    recordings = setting("INPUT").replace("{source}", source).replace("{date}", date)
    # An equals sign: a source may begin with a dash.
    return [f"--log-format={log_format}", "scan", *more, f"--source={source}", f"--date={date}", "--", recordings]


def program():
    """giggles with the libraries that were packed beside it (package.sh), whatever the C library of the runtime."""
    root = Path(setting("LAMBDA_TASK_ROOT"))
    giggles = root / "usr/bin/giggles"
    loaders = sorted(root.glob("lib*/ld-linux-*"))
    if not loaders:
        return [str(giggles)]
    # Each distribution has other folders of libraries: lib/x86_64-linux-gnu, lib64, usr/lib.
    libraries = sorted({str(path.parent) for path in root.rglob("*.so*")})
    return [str(loaders[0]), "--library-path", ":".join(libraries), str(giggles)]


def scan(source, date, seconds, run_id):
    """Runs giggles for at most this long; its exit code, and whether it was ended for lack of time."""
    given = {"DATABASE_URL": database_url(), "GIGGLES_RUN_ID": run_id, "GIGGLES_THREADS": "2"}
    process = subprocess.Popen(
        program() + arguments(source, date, "emf"), env={**os.environ, **given},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    out_of_time = threading.Event()
    end = threading.Timer(seconds, lambda: (out_of_time.set(), process.terminate()))
    # giggles rolls back within two seconds; one that does not is hung.
    kill = threading.Timer(seconds + RESERVE / 2, process.kill)
    end.start()
    kill.start()
    try:
        for line in process.stderr:
            print(of_the_fleet(line), end="", file=sys.stderr, flush=True)
        return process.wait(), out_of_time.is_set()
    finally:
        end.cancel()
        kill.cancel()


def database_url():
    secrets = boto3.client("secretsmanager")
    return secrets.get_secret_value(SecretId=setting("DATABASE_SECRET"))["SecretString"]


def of_the_fleet(line):
    """An event with metrics, without its dimensions: 10,000 sources would be 130,000 metrics, which cost more than the
    analysis. The source stays in the event, for CloudWatch Logs Insights.
    """
    if '"_aws"' not in line:
        return line
    event = json.loads(line)
    for directive in event["_aws"]["CloudWatchMetrics"]:
        directive["Dimensions"] = [[]]
    return json.dumps(event) + "\n"


def send_to_batch(record, source, date):
    """A day that is longer than the function may run goes to AWS Batch, as an array job of shards.

    Without embedded metrics there: nothing removes their dimensions (of_the_fleet). The id of its runs is that of the
    message, because only the job's own process knows AWS_BATCH_JOB_ID; the name of the log's stream contains the job.
    """
    shards = int(setting("LONG_DAYS_SHARDS", "4"))
    boto3.client("batch").submit_job(
        jobName=f"giggles-{hashlib.sha256(source.encode()).hexdigest()[:16]}-{date}",
        jobQueue=setting("LONG_DAYS_QUEUE"),
        jobDefinition=setting("LONG_DAYS_JOB"),
        arrayProperties={"size": shards},
        containerOverrides={
            "command": arguments(source, date, "json", "--shard=auto"),
            "environment": [{"name": "GIGGLES_RUN_ID", "value": record["messageId"]}],
        },
    )
    log(f"sent to AWS Batch in {shards} shards: longer than this function may run", record)
    return True


def pause(record, seconds):
    """How long the message is invisible; without it, as long as the queue says: hours."""
    queue = boto3.client("sqs")
    queue.change_message_visibility(
        QueueUrl=setting("QUEUE_URL"), ReceiptHandle=record["receiptHandle"], VisibilityTimeout=seconds
    )


def to_dead_letters(record, reason):
    """Moves the message to the dead-letter queue. If that fails, the error gives it back."""
    log(f"dead letter: {reason}", record)
    boto3.client("sqs").send_message(
        QueueUrl=setting("DEAD_LETTER_QUEUE_URL"),
        MessageBody=record["body"],
        MessageGroupId=record["attributes"]["MessageGroupId"],
        MessageDeduplicationId=record["messageId"],
        MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:1000]}},
    )
    return True


def log(message, record):
    event = {"event": "message", "message": message, "id": record["messageId"], "body": record["body"]}
    print(json.dumps(event), file=sys.stderr)


# --------------------------------------------------------------------------------------------------------- check


def check(event, _context):
    """The sources by state; an error, which is an alarm, unless every source of the bucket has a complete day."""
    flags = ["status", f"--date={date_of(event)}", "--all-sources", "--expect=-", "--json"]
    status = subprocess.run(
        program() + flags, env={**os.environ, "DATABASE_URL": database_url()},
        input="\n".join(sources()), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if status.returncode not in (0, 3):
        raise RuntimeError(f"giggles status ended with {status.returncode}; its message is above")
    found = json.loads(status.stdout)["sources"]
    print(json.dumps({"event": "check", **found}), file=sys.stderr)
    if status.returncode:
        raise RuntimeError(f"the day is not complete: {json.dumps(found)[:2000]}")
    return found
