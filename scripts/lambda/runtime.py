"""AWS Lambda's runtime API, and a function in AWS' own runtime for Python that asks it for invocations."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class RuntimeApi:
    """AWS Lambda's runtime API (version 2018-06-01): the runtime asks for the next invocation and posts its result."""

    def __init__(self):
        self.invocations, self.results = queue.Queue(), queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                identifier, event, seconds = api.invocations.get()
                body = json.dumps(event).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", identifier)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + seconds) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.results.put((self.path.rsplit("/", 1)[1], body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def address(self):
        return f"127.0.0.1:{self.server.server_port}"


class Function:
    """A function of handler.py in a runtime of its own."""

    def __init__(self, root, handler, variables):
        self.api = RuntimeApi()
        self.log = tempfile.TemporaryFile("w+")
        environment = {
            **os.environ, **variables, "AWS_LAMBDA_RUNTIME_API": self.api.address(), "LAMBDA_TASK_ROOT": str(root),
            "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3538",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/f", "AWS_LAMBDA_LOG_STREAM_NAME": "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "awslambdaric", handler]
        self.process = subprocess.Popen(
            command, cwd=root, env=environment, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def invoke(self, event, seconds=900):
        """The function's answer; its errors are errors here."""
        self.api.invocations.put((str(uuid.uuid4()), event, seconds))
        kind, body = self.api.results.get(timeout=120)
        check(kind == "response", f"the function failed: {body}\n{self.output()}")
        return body

    def fail(self, event, seconds=900):
        """The function's error."""
        self.api.invocations.put((str(uuid.uuid4()), event, seconds))
        kind, body = self.api.results.get(timeout=120)
        check(kind == "error", f"the function did not fail: {body}\n{self.output()}")
        return body

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def events(self, name):
        events = (json.loads(line) for line in self.output().splitlines() if line.startswith("{"))
        return [event for event in events if event.get("event") == name]

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
