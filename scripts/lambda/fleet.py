"""The stack of deploy/aws/template.yaml as far as moto has it, recordings of some sources, and what moves messages."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config
import seaweedfs
from runtime import Function, check, free_port

DATE = "2025-10-24"
LAUGH = Path("fixtures/clips/laugh_male_scratch2.flac")


class Fleet:
    """The stack of template.yaml, as far as moto has it, and recordings of some sources."""

    def __init__(self, package):
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / "function"
        with zipfile.ZipFile(package) as archive:
            for member in archive.infolist():
                path = archive.extract(member, self.root)
                os.chmod(path, member.external_attr >> 16)
        self.recordings = self.folder / "recordings"
        self.servers = [self.start_moto()]
        if program := os.environ.get("SEAWEEDFS"):
            self.servers.append(seaweedfs.start(program, self.folder / "seaweedfs"))
        self.clients = {name: boto3.client(name, config=Config(retries={"max_attempts": 10})) for name in
                        ("sqs", "sns", "s3", "secretsmanager", "batch", "iam", "ec2")}  # fmt: skip
        self.dead = self.fifo("dead", {})
        self.days = self.days_queue()
        seaweedfs.make_bucket(self.clients["s3"], "recordings")
        self.clients["secretsmanager"].create_secret(Name="database", SecretString=os.environ["DATABASE_URL"])
        self.variables = {
            "QUEUE_URL": self.days, "DEAD_LETTER_QUEUE_URL": self.dead, "DATABASE_SECRET": "database",
            "RECORDINGS_BUCKET": "recordings", "INPUT": f"{self.recordings}/{{source}}", "GIGGLES_TZ": "UTC",
        }  # fmt: skip
        self.functions = []

    def start_moto(self):
        port = free_port()
        os.environ |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1",
                       "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}  # fmt: skip
        moto = Path(sys.executable).parent / "moto_server"
        process = subprocess.Popen([moto, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                with socket.create_connection(("127.0.0.1", port)):
                    break
            except OSError:
                time.sleep(0.1)
        # Jobs are taken and not run: moto would run them with docker.
        settings = json.dumps({"batch": {"use_docker": False}}).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/config", settings).read()
        return process

    def days_queue(self):
        redrive = {"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": 5}
        return self.fifo(f"days-{uuid.uuid4()}", {"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "5400"})

    def fifo(self, name, attributes):
        attributes = {"FifoQueue": "true", **attributes}
        return self.clients["sqs"].create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"]

    def arn(self, url):
        answer = self.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def source(self, name, bytes_of_silence=None):
        """A source with a recording; its folder in the bucket is only there to be listed."""
        folder = self.recordings / name
        folder.mkdir(parents=True)
        if bytes_of_silence:
            long = folder / f"{DATE.replace('-', '')}_000000.wav"
            size = bytes_of_silence.to_bytes(4, "little")
            long.write_bytes(b"RIFF" + size + b"WAVEfmt " + bytes([16, 0, 0, 0, 1, 0, 1, 0, 0x80, 0x3E, 0, 0, 0x80, 0x3E, 0, 0])
                             + bytes([1, 0, 8, 0]) + b"data" + size)  # fmt: skip
            os.truncate(long, bytes_of_silence)
        else:
            shutil.copy(LAUGH, folder / f"{DATE.replace('-', '')}_120000.flac")
        self.clients["s3"].put_object(Bucket="recordings", Key=f"{name}/placeholder")

    def function(self, handler, **variables):
        function = Function(self.root, handler, {**self.variables, **variables})
        self.functions.append(function)
        return function

    def send(self, body, group="group"):
        body = body if isinstance(body, str) else json.dumps(body)
        return self.clients["sqs"].send_message(
            QueueUrl=self.days, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=str(uuid.uuid4())
        )["MessageId"]

    def receive(self, url, number=10):
        answer = self.clients["sqs"].receive_message(
            QueueUrl=url, MaxNumberOfMessages=number, AttributeNames=["All"], MessageAttributeNames=["All"]
        )
        return answer.get("Messages", [])

    def poll(self, function, number=10, seconds=900):
        """What the event source mapping does: one batch. The messages that were given back."""
        messages = self.receive(self.days, number)
        check(messages, "the queue has no visible message")
        event = {"Records": [{
            "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
            "attributes": message["Attributes"], "messageAttributes": {}, "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs", "eventSourceARN": self.arn(self.days), "awsRegion": "us-east-1",
        } for message in messages]}  # fmt: skip
        answer = function.invoke(event, seconds)
        given_back = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        check(given_back <= {message["MessageId"] for message in messages}, f"unknown messages: {answer}")
        for message in messages:
            if message["MessageId"] not in given_back:
                self.clients["sqs"].delete_message(QueueUrl=self.days, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages if message["MessageId"] in given_back]

    def drain(self, url):
        """Empties a queue; its messages."""
        found = []
        while messages := self.receive(url):
            for message in messages:
                self.clients["sqs"].delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found

    def long_days(self):
        """A queue and a job definition of AWS Batch, by their names in handler.py."""
        clients = self.clients
        role = clients["iam"].create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        subnet = clients["ec2"].describe_subnets()["Subnets"][0]["SubnetId"]
        group = clients["ec2"].describe_security_groups()["SecurityGroups"][0]["GroupId"]
        compute = clients["batch"].create_compute_environment(
            computeEnvironmentName="compute", type="MANAGED", state="ENABLED", serviceRole=role,
            computeResources={"type": "FARGATE", "maxvCpus": 4, "subnets": [subnet], "securityGroupIds": [group]},
        )["computeEnvironmentArn"]  # fmt: skip
        order = [{"order": 1, "computeEnvironment": compute}]
        queue = clients["batch"].create_job_queue(
            jobQueueName="long-days", priority=1, state="ENABLED", computeEnvironmentOrder=order
        )["jobQueueArn"]
        job = clients["batch"].register_job_definition(
            jobDefinitionName="long-day", type="container",
            containerProperties={"image": "giggles", "command": ["--help"], "resourceRequirements": [
                {"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]},
        )["jobDefinitionArn"]  # fmt: skip
        return {"LONG_DAYS_QUEUE": queue, "LONG_DAYS_JOB": job, "LONG_DAYS_SHARDS": "3"}

    def purge(self):
        """A new queue for the next function: SQS empties one only once a minute."""
        self.days = self.days_queue()
        self.variables["QUEUE_URL"] = self.days

    def end(self):
        for function in self.functions:
            function.end()
        for server in self.servers:
            server.kill()
            server.wait()
        shutil.rmtree(self.folder)
