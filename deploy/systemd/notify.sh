#!/bin/sh
# Reports why a systemd unit failed, on standard output (the journal) and by mail to $MAILTO.
#
#   notify.sh UNIT
set -eu
unit=$1
giggles=${GIGGLES_BIN:-/usr/local/bin/giggles}

shown() {
    systemctl show --property "$1" --value -- "$unit" 2>/dev/null || echo unknown
}

# From the table of exit codes in the program's help: the lines below that of the code, up to the next code.
meaning() {
    "$giggles" --help 2>/dev/null | awk -v code="$1" '
        found && (NF == 0 || /^ *[0-9]+$/) { exit }
        found { $1 = $1; text = text " " $0 }
        $0 ~ "^ +" code "$" { found = 1 }
        END { if (text != "") print ":" text }'
}

# Since systemd 251, these variables are of the failed invocation, even if the unit was started again since.
if [ -n "${MONITOR_SERVICE_RESULT:-}" ]; then
    result=$MONITOR_SERVICE_RESULT
    status=${MONITOR_EXIT_STATUS:-unknown}
    run=$MONITOR_INVOCATION_ID
else
    result=$(shown Result)
    status=$(shown ExecMainStatus)
    run=$(shown InvocationID)
fi

# systemd's result; if giggles itself ended with an exit code, its meaning.
case $result in
    exit-code | start-limit-hit) why="exit code $status$(meaning "$status")" ;;
    timeout) why='it took longer than TimeoutStartSec= allows, and was ended' ;;
    oom-kill) why='it needed more memory than MemoryMax= allows, and was killed' ;;
    resources) why='systemd could not start it' ;;
    *) why="systemd says: $result" ;;
esac

# The last lines of the failed invocation. A program that ends within milliseconds can be gone before the journal has
# read its invocation: its lines then have the unit's name only. So: all of the unit from systemd's "Starting" on.
lines() {
    start=$(journalctl --quiet --no-pager --output=export --lines=all "INVOCATION_ID=$run" |
        sed -n '/^__CURSOR=/{s///p;q}')
    journalctl --quiet --no-pager --output=cat --cursor="$start" "_SYSTEMD_UNIT=$unit" + "UNIT=$unit" _PID=1 |
        tail -n 50
}

report() {
    echo "$unit failed on $(uname -n): $why"
    echo
    lines || echo "(the journal cannot be read)"
    echo
    echo "More: journalctl --unit $unit"
    echo "When it is fixed: systemctl reset-failed $unit; systemctl start $unit"
}

# <3> is the journal's prefix of an error.
echo "<3>$unit failed: $why"
sendmail=$(PATH=$PATH:/usr/sbin:/usr/lib command -v sendmail) || exit 0
{
    echo "To: $MAILTO"
    echo "Subject: $unit failed on $(uname -n): $why" | cut -c 1-200
    echo 'Content-Type: text/plain; charset=utf-8'
    echo
    report
} | "$sendmail" -t
