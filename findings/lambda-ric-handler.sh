#!/usr/bin/env bash
# Where AWS's runtime interface client for Node looks for the handler.
#
# Guess before it was run: in the argument, as the client's own README has it (npx aws-lambda-ric index.handler), with
# the variable _HANDLER as on Lambda for whoever has no argument.
# Seen with aws-lambda-ric 3.3.0: the argument alone; the variable is not read.
# Seen with aws-lambda-ric 4.0.2, on whose README the same command stands: the variable alone; an argument is not read,
# and LAMBDA_TASK_ROOT must be there too. Whoever starts functions of both has to give the handler twice.
#
# The packages are installed without their native part, so whoever is content with the handler fails at that, later.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
echo 'exports.handler = async () => "done";' > chat.js
node --version
status=0

expect() { # version, what it says, how it is started
    local version=$1 says=$2 said
    shift 2
    said=$(env -i PATH="$PATH" AWS_LAMBDA_RUNTIME_API=127.0.0.1:1 "$@" 2>&1 || true)
    if grep -q "$says" <<< "$said"; then
        local started=${*//"$client"/aws-lambda-ric}
        echo "$version: ${started//"$directory"/.}: $says"
    else
        printf 'aws-lambda-ric %s no longer says "%s":\n%s\n' "$version" "$says" "$said"
        status=1
    fi
}

install() {
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$1" "aws-lambda-ric@$1"
    client=$directory/$1/node_modules/.bin/aws-lambda-ric
}

native="rapid-client"
install 3.3.0
expect 3.3.0 "$native" LAMBDA_TASK_ROOT="$directory" "$client" chat.handler
expect 3.3.0 "No handler specified" LAMBDA_TASK_ROOT="$directory" _HANDLER=chat.handler "$client"
install 4.0.2
expect 4.0.2 "_HANDLER environment variable is not set" LAMBDA_TASK_ROOT="$directory" "$client" chat.handler
expect 4.0.2 "LAMBDA_TASK_ROOT environment variable is not set" _HANDLER=chat.handler "$client"
expect 4.0.2 "$native" LAMBDA_TASK_ROOT="$directory" _HANDLER=chat.handler "$client"
exit $status
