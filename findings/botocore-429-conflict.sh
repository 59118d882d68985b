#!/usr/bin/env bash
# Whether a used-up quota of API Gateway is asked for again depends on the retry mode of the caller.
#
# API Gateway answers a quota that is used up (the 11th stage of an API, say) with status 429 and the error type
# ConflictException: a status that stands for "later" with a type that stands for "never".
#
# Guess before it was run: botocore tells the two apart in every mode, as it does for 409 and ConflictException.
# Seen with botocore 1.44.8: "standard" and "adaptive" go by the error type and ask once. "legacy" goes by the status
# and asks five times over several seconds, so a pipeline in that mode spends five calls of the ten a second that an
# account has on an answer that cannot change. The same type with status 409 is asked once in every mode.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install --quiet --disable-pip-version-check botocore==1.44.8
"$directory/venv/bin/python" - <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

status, calls = 429, 0


class Refusing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global calls
        calls += 1
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"message": "Maximum number of Stages for this API has been reached."}).encode()
        self.send_response(status)
        self.send_header("x-amzn-errortype", "ConflictException")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()
session = botocore.session.Session()
session.set_credentials("access", "secret")
print("botocore", botocore.__version__)
seen = {}
for status in (429, 409):
    for mode in ("legacy", "standard", "adaptive"):
        calls = 0
        client = session.create_client(
            "apigatewayv2",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            config=Config(retries={"mode": mode}),
        )
        try:
            client.create_stage(ApiId="abcdef1234", StageName="test")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConflictException", error
        seen[status, mode] = calls
        print(f"{status} ConflictException, {mode}: {calls} calls")
expected = {(429, "legacy"): 5, (429, "standard"): 1, (429, "adaptive"): 1}
expected |= {(409, mode): 1 for mode in ("legacy", "standard", "adaptive")}
assert seen == expected, seen
PYTHON
