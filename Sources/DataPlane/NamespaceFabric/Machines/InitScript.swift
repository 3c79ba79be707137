/// What a machine's process 1 is once its world is built: it sets the machine up at its first start, keeps sshd and the agent running,
/// collects orphans, and ends everything in order on SIGTERM. It runs as the machine's own `bash`, without any power over the box.
///
/// Its orders lie as files in `/run/sallyport-machine`; descriptor 3 is where it says how far it is.
enum InitScript {
    static let text = #"""
        #!/bin/bash
        # Process 1 of a machine made by `sallyport fabric`.
        orders=/run/sallyport-machine
        mark=/var/lib/sallyport-machine
        umask 022
        cd /
        exec </dev/null >>/var/log/machine.log 2>&1
        # A default that is not "ignore": what is ignored would stay so in every program started here.
        trap : PIPE

        say() { printf '%s\n' "$*" >&3; } 2>/dev/null
        has() { [ -s "$orders/$1" ]; }
        get() { cat "$orders/$1"; }

        name=$(get host-name)
        mkdir -p /run/sshd /run/lock "$mark"
        chmod 700 /root "$mark"

        first_start() {
            # Debian's packages start nothing while a root file system is being made; on a machine they may.
            rm -f /etc/ssh/ssh_host_* /usr/sbin/policy-rc.d /etc/resolv.conf
            ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key -C "$name"
            ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/ssh_host_ecdsa_key -C "$name"
            tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
            printf '127.0.0.1 localhost\n' >/etc/hosts
            : >/etc/resolv.conf
            if has administrator; then make_administrator "$(get administrator)"; fi
            if has custom-data; then
                cp "$orders/custom-data" "$mark/custom-data"
                chmod 700 "$mark/custom-data"
            fi
        }

        make_administrator() {
            # Names with a dot or a capital are allowed on Azure; what was not allowed was refused before.
            useradd --badname --create-home --shell /bin/bash --user-group "$1"
            usermod --append --groups sudo,adm "$1"
            local home
            home=$(getent passwd "$1" | cut -d: -f6)
            if has authorized-keys; then
                install -d -m 0700 -o "$1" -g "$1" "$home/.ssh"
                install -m 0600 -o "$1" -g "$1" "$orders/authorized-keys" "$home/.ssh/authorized_keys"
            fi
            if has password; then
                printf '%s:%s\n' "$1" "$(get password)" | chpasswd
                echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-machine.conf
            else
                echo 'PasswordAuthentication no' >/etc/ssh/sshd_config.d/50-machine.conf
            fi
            printf '%s ALL=(ALL) NOPASSWD:ALL\n' "$1" >/etc/sudoers.d/90-machine-administrator
            chmod 0440 /etc/sudoers.d/90-machine-administrator
        }

        # Keeps a program running: the pause before the next try doubles from a second to half a minute, and is short again
        # after the program has held for half a minute.
        keep() {
            local label=$1 pause=1 began child=
            shift
            trap '[ -z "$child" ] || { kill -TERM "$child"; wait "$child"; }; exit 0' TERM
            while :; do
                began=$SECONDS
                "$@" >>"/var/log/$label.log" 2>&1 3>&- &
                child=$!
                wait "$child"
                child=
                [ $((SECONDS - began)) -lt 30 ] || pause=1
                sleep "$pause" 3>&- &
                wait $!
                pause=$((pause < 15 ? pause * 2 : 30))
            done
        }

        stop() {
            trap : TERM
            for keeper in $agent $sshd; do
                kill -TERM "$keeper"
                wait "$keeper"
            done
            kill -TERM -1
            for ((round = 0; round < 40; round++)); do
                set -- /proc/[0-9]*
                [ $# -gt 1 ] || break
                sleep 0.05
            done
            kill -KILL -1
            exit 0
        }

        join() {
            local round
            for round in 1 2 3; do
                sally-agent join --server "https://$server:$port" --ca-file /etc/sallyport/ca.pem \
                    --token-file "$orders/join-token" --no-service >>/var/log/sally-agent.log 2>&1 3>&- && return 0
                has join-token || return 1
                sleep 1
            done
            return 1
        }

        agent= sshd=
        trap 'exit 0' TERM
        echo "$name" >/etc/hostname
        [ -e "$mark/made" ] || { first_start; : >"$mark/made"; }
        # The lines of this place are made anew at every start; those of the machine's owner stay.
        sed -i '/# by the fabric$/d' /etc/hosts
        printf '127.0.1.1 %s # by the fabric\n' "$name" >>/etc/hosts
        keep sshd /usr/sbin/sshd -D -e &
        sshd=$!
        say started
        if has server; then
            read -r server port gateway <"$orders/server"
            printf '%s %s # by the fabric\n' "$gateway" "$server" >>/etc/hosts
            mkdir -p /etc/sallyport
            cp "$orders/ca.pem" /etc/sallyport/ca.pem
            if has join-token; then
                if join; then say joined; else say "failed $(tail -n 1 /var/log/sally-agent.log)"; fi
            fi
            # However it came about: a machine that has not joined has nothing to run.
            keep sally-agent /usr/sbin/sally-agent run &
            agent=$!
        fi
        trap stop TERM
        rm -f "$orders"/{join-token,password,authorized-keys,custom-data}
        if [ -x "$mark/custom-data" ]; then
            ( "$mark/custom-data" >/var/log/custom-data.log 2>&1 3>&-; chmod 600 "$mark/custom-data" ) 3>&- &
        fi
        # "Ready" means that one can connect. An owner who moved sshd elsewhere waits these two seconds at each start.
        for ((round = 0; round < 100; round++)); do
            grep -q ':0016 0*:0000 0A' /proc/net/tcp && break
            sleep 0.02
        done
        say done
        exec 3>&-
        while :; do
            sleep 86400 &
            wait $!
        done

        """#
}
