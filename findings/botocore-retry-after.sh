#!/usr/bin/env bash
# Which header makes botocore wait before it calls a throttled API Gateway again.
#
# Guess before it was run: Retry-After, in seconds, as RFC 6585 has it for status 429.
# Seen with botocore 1.44.8: no mode heeds Retry-After, "standard" calls again long before the time is over. It heeds
# x-amz-retry-after, whose number is milliseconds; "legacy" heeds neither. A control plane that is to be believed by the
# AWS CLI has to send the second header, and a client that heeds only the first does not hear what is meant for it.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install --quiet --disable-pip-version-check botocore==1.44.8
"$directory/venv/bin/python" - <<'PYTHON'
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

wait, times = None, []


class Throttling(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        times.append(time.monotonic())
        body = json.dumps({"message": "Too Many Requests"}).encode()
        self.send_response(429)
        self.send_header("x-amzn-errortype", "TooManyRequestsException")
        self.send_header(*wait)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Throttling)
threading.Thread(target=server.serve_forever, daemon=True).start()
session = botocore.session.Session()
session.set_credentials("access", "secret")
print("botocore", botocore.__version__)
heeded = {}
for wait in (("Retry-After", "8"), ("x-amz-retry-after", "4000")):
    for mode in ("legacy", "standard"):
        times.clear()
        client = session.create_client(
            "apigatewayv2",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            config=Config(retries={"mode": mode, "total_max_attempts": 2}),
        )
        try:
            client.get_apis()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "TooManyRequestsException", error
        first, second = times
        asked = 8.0 if wait[0] == "Retry-After" else 4.0
        heeded[wait[0], mode] = second - first >= asked
        print(f"{wait[0]}: {wait[1]}, {mode}: called again after {second - first:.1f} s")
expected = dict.fromkeys(heeded, False) | {("x-amz-retry-after", "standard"): True}
assert heeded == expected, heeded
PYTHON
