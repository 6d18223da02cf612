"""The checks of scripts/lambda_test.sh: the functions of deploy/aws under AWS' runtime, with what AWS does around them.

What is real: awslambdaric, giggles and its package, Postgres; with STORE=seaweedfs also the object store. moto answers as SQS,
SNS, S3, Secrets Manager and Batch. What this file does in AWS' place: the runtime API that hands out invocations, and the event
source mapping between queue and function, which deletes the messages that the function does not give back.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import yaml
from fleet import DATE, LAUGH, Fleet
from runtime import Function, check

SCHEMA = json.loads(Path("deploy/aws/emf.schema.json").read_text())


def ask(sql):
    command = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", sql, os.environ["DATABASE_URL"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def a_schedule_makes_one_message_per_source(fleet):
    plan = fleet.function("handler.plan")
    answer = plan.invoke({"time": "2025-10-25T02:30:00Z"})
    check(answer == {"messages": 3}, answer)
    # A retry of the same event within five minutes is the same messages.
    plan.invoke({"time": "2025-10-25T02:30:00Z"})
    messages = fleet.drain(fleet.days)
    days = sorted((json.loads(message["Body"])["source"], json.loads(message["Body"])["date"]) for message in messages)
    check(days == [("ada", DATE), ("its-é", DATE), ("neil", DATE)], days)
    groups = {message["Attributes"]["MessageGroupId"] for message in messages}
    check(len(groups) == 3, "each source has a group")


def a_marker_in_the_bucket_makes_the_message_of_its_day(fleet):
    plan = fleet.function("handler.plan", GIGGLES_TZ="America/Los_Angeles")
    plan.invoke({"detail-type": "Object Created", "detail": {"object": {"key": "neil/2025-10-20.complete"}}})
    # 02:30 UTC is the evening before in California: its day before is the 23rd.
    plan.invoke({"time": "2025-10-25T02:30:00Z", "sources": ["neil"]})
    plan.invoke({"date": "2025-10-21", "sources": ["neil"]})
    dates = [json.loads(message["Body"])["date"] for message in fleet.drain(fleet.days)]
    check(sorted(dates) == ["2025-10-20", "2025-10-21", "2025-10-23"], dates)


def each_day_is_stored_once(fleet):
    work = fleet.function("handler.work")
    sent = [fleet.send({"source": source, "date": DATE}, group=source[:2]) for source in ("neil", "ada", "its-é")]
    check(fleet.poll(work) == [], "nothing is given back")
    rows = ask("SELECT source FROM recordings ORDER BY source")
    check(ask("SELECT count(DISTINCT source), count(*), sum(analyzed) FROM runs") == ["3|3|3"], rows)
    check(sorted(ask("SELECT external_id FROM runs")) == sorted(sent), "the run has not the message's id")
    before = ask("SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM detections d")
    # The same day again, through the topic, under another id.
    topic = fleet.clients["sns"].create_topic(Name="days.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    fleet.clients["sns"].subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=fleet.arn(fleet.days), Attributes={"RawMessageDelivery": "true"}
    )
    fleet.clients["sns"].publish(
        TopicArn=topic, Message=json.dumps({"source": "neil", "date": DATE}), MessageGroupId="ne", MessageDeduplicationId="x"
    )
    check(fleet.poll(work) == [], "a duplicate is acknowledged")
    check(ask("SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM detections d") == before, "a duplicate changed rows")
    check(ask("SELECT skipped FROM runs WHERE source = 'neil' ORDER BY started_at DESC LIMIT 1") == ["1"], "not skipped")
    check(fleet.receive(fleet.days) == [], "the queue is not empty")


def recordings_in_the_bucket_are_scanned(fleet):
    """INPUT as template.yaml sets it; moto or SeaweedFS is the store."""
    template = Path("deploy/aws/template.yaml").read_text()
    check("INPUT: !Sub 's3://${RecordingsBucket}/{source}/'" in template, "INPUT is another one")
    fleet.clients["s3"].put_object(Bucket="recordings", Key="björn/20251024_120000.flac", Body=LAUGH.read_bytes())
    fleet.clients["s3"].put_object(Bucket="recordings", Key="björn/2025-10-24.complete", Body=b"")
    work = fleet.function("handler.work", INPUT="s3://recordings/{source}/", TMPDIR=str(fleet.folder))
    for _ in range(2):
        fleet.send({"source": "björn", "date": DATE})
        check(fleet.poll(work) == [], "given back\n" + work.output())
    check(ask("SELECT name, status, start_source FROM recordings WHERE source = 'björn'")
          == ["20251024_120000.flac|analyzed|filename"], "not stored as on a disk")  # fmt: skip
    check([event["skipped"] for event in work.events("summary")] == [0, 1], work.output())
    check(not list(fleet.folder.glob("*giggles*")), "a file was left behind")
    lost = fleet.function("handler.work", INPUT="s3://another-bucket/{source}/")
    fleet.send({"source": "björn", "date": DATE})
    check(fleet.poll(lost) == [] and len(fleet.drain(fleet.dead)) == 1, "a wrong bucket is not a dead letter")
    for key in ("björn/20251024_120000.flac", "björn/2025-10-24.complete"):
        fleet.clients["s3"].delete_object(Bucket="recordings", Key=key)


def an_empty_day_is_acknowledged(fleet):
    work = fleet.function("handler.work")
    fleet.send({"source": "neil", "date": "2025-10-01"})
    check(fleet.poll(work) == [], "given back")
    check(work.events("summary")[0]["exit_code"] == 4, work.output())


def the_metrics_keep_to_the_schema_and_have_no_dimension(fleet):
    work = fleet.function("handler.work")
    fleet.send({"source": "ada", "date": "2025-10-02"})
    fleet.poll(work)
    event = work.events("summary")[0]
    jsonschema.validate(event, SCHEMA)
    directive = event["_aws"]["CloudWatchMetrics"][0]
    check(directive["Dimensions"] == [[]], "a metric per source costs more than the analysis")
    check(event["source"] == "ada", "the source stays in the event")
    names = {metric["Name"] for metric in directive["Metrics"]}
    for name in names:
        check(isinstance(event[name], (int, float)) and not isinstance(event[name], bool), f"{name} is not a number")
    # The program's own event, with its dimensions, and events that must not pass.
    program = subprocess.run(
        [fleet.root / "usr/bin/giggles", "--log-format=emf", "scan", "--dry-run", "--source=ada", fleet.recordings / "ada"],
        capture_output=True, text=True, env={**os.environ, "HOME": str(fleet.folder)},
    )  # fmt: skip
    event = json.loads([line for line in program.stderr.splitlines() if '"_aws"' in line][-1])
    jsonschema.validate(event, SCHEMA)
    for dimension in event["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]:
        check(isinstance(event[dimension], str) and event[dimension], f"dimension {dimension}")
    for path, wrong in (("Namespace", ""), ("Dimensions", []), ("Metrics", [{"Name": "a", "Unit": "Furlongs"}])):
        broken = json.loads(json.dumps(event))
        broken["_aws"]["CloudWatchMetrics"][0][path] = wrong
        check(list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(broken)), f"{path}: {wrong} passes")
    used = {widget for widget in ("success", "failed", "partial", "analyzed", "detections", "duration_seconds")}
    check(used <= names, f"alarms and dashboard use {used - names}, which do not exist")


def a_poison_message_goes_to_the_dead_letter_queue_at_once(fleet):
    work = fleet.function("handler.work")
    poison = ["not JSON", "[]", '{"source": "neil"}', '{"source": "neil", "date": "yesterday"}']
    poison += [json.dumps({"source": source, "date": DATE}) for source in ("", "..", "neil/../ada", 7)]
    for number, body in enumerate(poison):
        fleet.send(body, group=str(number))
    check(fleet.poll(work) == [], "given back")
    dead = fleet.drain(fleet.dead)
    check(sorted(message["Body"] for message in dead) == sorted(poison), dead)
    check(all(message["MessageAttributes"]["reason"]["StringValue"] for message in dead), "without a reason")
    # A setting that no retry resolves: 78.
    wrong = fleet.function("handler.work", GIGGLES_TZ="Mars/Olympus")
    fleet.send({"source": "neil", "date": DATE})
    check(fleet.poll(wrong) == [], "given back")
    reasons = [message["MessageAttributes"]["reason"]["StringValue"] for message in fleet.drain(fleet.dead)]
    check(reasons == ["giggles ended with 78"], reasons)


def a_failure_that_passes_is_given_back_with_its_group(fleet):
    fleet.clients["secretsmanager"].create_secret(Name="away", SecretString="postgres://giggles:x@127.0.0.1:1/postgres")
    away = fleet.function("handler.work", DATABASE_SECRET="away")
    fleet.send({"source": "neil", "date": DATE}, group="neil")
    fleet.send({"source": "neil", "date": "2025-10-25"}, group="neil")
    given_back = fleet.poll(away)
    check(len(given_back) == 2, f"75: both messages of the group come again, in order: {given_back}")
    logged = [event["message"] for event in away.events("message")]
    check(logged == ["given back: giggles ended with 75"], logged)
    check(fleet.receive(fleet.days) == [], "it pauses")
    check(fleet.drain(fleet.dead) == [], "nothing is dead")
    fleet.purge()


def too_little_time_left_gives_the_message_back(fleet):
    work = fleet.function("handler.work")
    runs = ask("SELECT count(*) FROM runs")
    fleet.send({"source": "neil", "date": DATE})
    check(len(fleet.poll(work, seconds=200)) == 1, "it was begun")
    check(ask("SELECT count(*) FROM runs") == runs, "giggles ran")
    check(fleet.poll(work) == [], "the next one has the time, and the message is visible at once")


def a_day_that_is_too_long_is_rolled_back_and_goes_to_batch(fleet):
    """The time of the function is up while giggles works."""
    fleet.source("long", bytes_of_silence=2_000_000_000)
    long_days = fleet.long_days()
    runs = ask("SELECT count(*) FROM runs")
    without = fleet.function("handler.work", MINIMUM_SECONDS="1")
    fleet.send({"source": "long", "date": DATE}, group="long")
    began = time.time()
    check(len(fleet.poll(without, seconds=23)) == 1, "without Batch it comes again")
    check(3 <= time.time() - began < 15, "it did not end in time")
    check(ask("SELECT count(*) FROM runs") == runs, "it was stored")
    fleet.purge()
    work = fleet.function("handler.work", MINIMUM_SECONDS="1", **long_days)
    message = fleet.send({"source": "long", "date": DATE}, group="long")
    check(fleet.poll(work, seconds=23) == [], "with Batch it is dealt with")
    jobs = fleet.clients["batch"].list_jobs(jobQueue=long_days["LONG_DAYS_QUEUE"], filters=[{"name": "JOB_NAME", "values": ["giggles-*"]}])
    described = fleet.clients["batch"].describe_jobs(jobs=[jobs["jobSummaryList"][0]["jobId"]])["jobs"][0]
    check(described["arrayProperties"]["size"] == 3, described)
    # The array's children run this, each with its index: together they hold the day.
    flags = described["container"]["command"]
    check("--shard=auto" in flags and "--source=long" in flags, flags)
    check("--log-format=json" in flags, f"metrics with the dimensions source and shard: {flags}")
    check({"name": "GIGGLES_RUN_ID", "value": message} in described["container"]["environment"], described)
    shutil.rmtree(fleet.recordings / "long")


def the_flags_of_a_long_day_run_as_shards(fleet):
    sys.path.insert(0, str(fleet.root))
    os.environ |= fleet.variables
    import handler

    flags = handler.arguments("ada", DATE, "json", "--shard=auto")
    codes = []
    for index in range(2):
        environment = {**os.environ, "AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": "2"}
        command = [fleet.root / "usr/bin/giggles", *flags]
        codes.append(subprocess.run(command, env=environment, capture_output=True).returncode)
    # One recording, so one of the two is an empty part of a day that has recordings.
    check(codes == [0, 0], codes)
    check(ask("SELECT count(*) FROM runs WHERE shard IS NOT NULL") != ["0"], "no shard ran")


def libraries_of_every_folder_are_found(fleet):
    """The folders of libraries of Debian, Fedora and Arch."""
    import handler

    root = fleet.folder / "libraries"
    folders = ["lib/x86_64-linux-gnu", "lib64", "usr/lib"]
    for folder in folders:
        (root / folder).mkdir(parents=True)
        (root / folder / "libm.so.6").touch()
    (root / "lib64/ld-linux-x86-64.so.2").touch()
    (root / "usr/bin").mkdir()
    before = os.environ.get("LAMBDA_TASK_ROOT")
    os.environ["LAMBDA_TASK_ROOT"] = str(root)
    try:
        command = handler.program()
    finally:
        os.environ.pop("LAMBDA_TASK_ROOT") if before is None else os.environ.update(LAMBDA_TASK_ROOT=before)
    check(command[2] == ":".join(str(root / folder) for folder in folders), command)


def a_giggles_that_hangs_is_killed_and_given_back(fleet):
    """A program that ignores SIGTERM stands for a hung one."""
    root = fleet.folder / "hung"
    (root / "usr/bin").mkdir(parents=True)
    shutil.copy(fleet.root / "handler.py", root)
    (root / "usr/bin/giggles").write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.5; done\n")
    (root / "usr/bin/giggles").chmod(0o755)
    hung = Function(root, "handler.work", {**fleet.variables, "MINIMUM_SECONDS": "1"})
    fleet.functions.append(hung)
    fleet.send({"source": "neil", "date": DATE})
    began = time.time()
    check(len(fleet.poll(hung, seconds=22)) == 1, "it was not given back")
    check(time.time() - began < 20, "it was not killed in time")
    fleet.purge()


def the_role_of_each_function_allows_what_it_calls(_fleet):
    """Each call of handler.py needs an action in template.yaml; moto does not ask for it."""

    class Template(yaml.SafeLoader):
        pass

    Template.add_multi_constructor("!", lambda loader, _, node: getattr(node, "value", None))
    resources = yaml.load(Path("deploy/aws/template.yaml").read_text(), Template)["Resources"]

    def actions(role):
        statements = [s for policy in resources[role]["Properties"]["Policies"] for s in policy["PolicyDocument"]["Statement"]]
        listed = [s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in statements]
        return {action for group in listed for action in group}

    plan = {"sqs:SendMessage", "s3:ListBucket"}
    work = {"sqs:SendMessage", "sqs:ChangeMessageVisibility", "secretsmanager:GetSecretValue", "batch:SubmitJob", "s3:GetObject",
            "s3:ListBucket", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}  # fmt: skip
    check(actions("PlanRole") - {"logs:CreateLogStream", "logs:PutLogEvents"} == plan, actions("PlanRole"))
    check(actions("WorkRole") == work, actions("WorkRole"))
    check(actions("CheckRole") == {"secretsmanager:GetSecretValue", "s3:ListBucket"}, actions("CheckRole"))
    for name, resource in resources.items():
        check('"*"' not in json.dumps(resource.get("Properties", {}).get("Policies", [])), f"{name} allows everything")
    timeout = resources["Work"]["Properties"]["Timeout"]
    check(resources["Days"]["Properties"]["VisibilityTimeout"] >= 6 * timeout, "the visibility timeout is too short")


def the_check_of_the_morning_fails_unless_every_source_is_complete(fleet):
    morning = fleet.function("handler.check")
    found = morning.invoke({"time": "2025-10-25T08:00:00Z"})
    check(found["complete"] == 3 and not found["missing"], found)
    failure = morning.fail({"date": "2025-10-26"})
    check("not complete" in failure["errorMessage"], failure)
    fleet.source("late")
    failure = morning.fail({"time": "2025-10-25T08:00:00Z"})
    check('"missing": ["late"]' in failure["errorMessage"], failure)
    fleet.clients["s3"].delete_object(Bucket="recordings", Key="late/placeholder")
    shutil.rmtree(fleet.recordings / "late")


CHECKS = [
    the_role_of_each_function_allows_what_it_calls,
    a_schedule_makes_one_message_per_source,
    a_marker_in_the_bucket_makes_the_message_of_its_day,
    each_day_is_stored_once,
    the_check_of_the_morning_fails_unless_every_source_is_complete,
    recordings_in_the_bucket_are_scanned,
    an_empty_day_is_acknowledged,
    the_metrics_keep_to_the_schema_and_have_no_dimension,
    a_poison_message_goes_to_the_dead_letter_queue_at_once,
    a_failure_that_passes_is_given_back_with_its_group,
    too_little_time_left_gives_the_message_back,
    a_day_that_is_too_long_is_rolled_back_and_goes_to_batch,
    the_flags_of_a_long_day_run_as_shards,
    libraries_of_every_folder_are_found,
    a_giggles_that_hangs_is_killed_and_given_back,
]


def main():
    fleet = Fleet(Path(sys.argv[1]))
    try:
        for name in ("neil", "ada", "its-é"):
            fleet.source(name)
        for one in CHECKS:
            try:
                one(fleet)
            except BaseException:
                print(f"FAILED: {one.__name__.replace('_', ' ')}", flush=True)
                for function in fleet.functions:
                    print(function.output()[-3000:], file=sys.stderr)
                raise
            print(f"ok: {one.__name__.replace('_', ' ')}", flush=True)
    finally:
        fleet.end()


if __name__ == "__main__":
    main()
