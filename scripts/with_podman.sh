#!/bin/sh
# Runs a command with podman and buildah, also on a machine that is a container itself: in a mount namespace of its own,
# with storage of its own in FOLDER. Nothing on this machine is changed.
#
#   sudo scripts/with_podman.sh FOLDER COMMAND...
#
# Containers use the host's network, and no control groups: they have no limits of memory or processes here.
set -eu

[ "$(id -u)" -eq 0 ] || {
    echo "scripts/with_podman.sh: only root can mount; run it with sudo" >&2
    exit 1
}
if [ "${GIGGLES_MOUNTS:-}" != own ]; then
    GIGGLES_MOUNTS=own exec unshare --mount --propagation private "$0" "$@"
fi
unset GIGGLES_MOUNTS

folder=$(realpath "$1")
shift
# podman refuses a mixture of both versions of control groups.
mount -t tmpfs giggles /sys/fs/cgroup
mount -t cgroup2 giggles /sys/fs/cgroup
cat >"$folder/containers.conf" <<'CONF'
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
cat >"$folder/storage.conf" <<CONF
[storage]
driver = "vfs"
graphroot = "$folder/storage"
runroot = "$folder/run"
CONF
export CONTAINERS_CONF="$folder/containers.conf" CONTAINERS_STORAGE_CONF="$folder/storage.conf"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
exec "$@"
