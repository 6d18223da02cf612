#!/bin/sh
# Tests deploy/aws: the template with cfn-lint, the functions in AWS' own runtime for Python (awslambdaric), with SQS, SNS, S3,
# Secrets Manager and Batch of moto, and a real Postgres.
#
#   scripts/lambda_test.sh [PROGRAM]       PROGRAM defaults to target/release/giggles; takes about half a minute
set -eu
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/release/giggles}")
venv=$(scripts/venv.sh)

"$venv/bin/cfn-lint" deploy/aws/template.yaml
echo 'ok: cfn-lint finds nothing in template.yaml'

package=$(deploy/aws/package.sh "$program")
before=$(sha256sum <"$package")
deploy/aws/package.sh "$program" >/dev/null
[ "$(sha256sum <"$package")" = "$before" ] || {
    echo "FAILED: two packages of one program differ"
    exit 1
}
echo 'ok: two packages of one program are equal'

scripts/with_postgres.sh "$venv/bin/python" scripts/lambda/checks.py "$package"
