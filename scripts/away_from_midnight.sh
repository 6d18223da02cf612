#!/bin/sh
# Waits until midnight in UTC has passed if it is near: a test that says "yesterday" twice must mean the same day.
set -eu
left=$((86400 - $(date +%s) % 86400))
[ "$left" -gt 240 ] || sleep "$left"
