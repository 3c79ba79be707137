#!/bin/bash
# Process 1 of a machine. It starts in fresh mount, PID, UTS and IPC namespaces and builds the machine's world from
# inside, so that everything it mounts vanishes when it dies.
#   init.sh STATE LOWER HOSTNAME
set -eu
state=$1 lower=$2 name=$3

mount --make-rprivate /
root=$state/root
mkdir -p "$state/memory" "$root"
mount -t tmpfs -o mode=0755 tmpfs "$state/memory"
mkdir "$state/memory/upper" "$state/memory/work"
mount -t overlay -o "lowerdir=$lower,upperdir=$state/memory/upper,workdir=$state/memory/work" overlay "$root"

for place in proc sys dev run tmp home root; do mkdir -p "$root/$place"; done
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$root/sys" || true
mount -t tmpfs -o mode=0755,nosuid tmpfs "$root/dev"
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
mknod -m 666 "$root/dev/tty" c 5 0
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"

# Nothing of the people of this host comes along: of the top folders, only those that belong to the system stay.
for place in "$root"/*/; do
    case $(basename "$place") in
    bin | boot | dev | etc | lib | lib32 | lib64 | libx32 | opt | proc | run | sbin | sys | tmp | usr | var) ;;
    *) [ -L "${place%/}" ] || mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$place" ;;
    esac
done
chmod 700 "$root/root"
rm -rf "$root"/etc/ssh/ssh_host_* "$root"/etc/ssh/sshd_config.d/* "$root"/etc/profile.d/* "$root"/usr/sbin/policy-rc.d
rm -f "$root/etc/resolv.conf" "$root/etc/hostname" "$root/etc/hosts"

hostname "$name"
echo "$name" >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key" -C "$name"
ssh-keygen -q -t ecdsa -N '' -f "$root/etc/ssh/ssh_host_ecdsa_key" -C "$name"
mkdir -p "$root/run/sshd" "$root/var/log"
mkdir -p "$root/run/old"

cd "$root"
pivot_root . run/old
cd /
umount -l /run/old
rmdir /run/old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
exec </dev/null
: >/run/machine-ready

# bash as process 1 collects orphans, too. The loop ends with the machine.
while :; do
    sleep 86400 &
    wait $! || true
done
