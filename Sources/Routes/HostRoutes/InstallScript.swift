/// The installation script. Nothing is ever put into it: server, token and authority come as arguments and files.
enum InstallScript {
    static let text = """
        #!/bin/sh
        # Installs sally-agent from a directory on this machine and joins it to a Sallyport server.
        # Read it, then:  sudo sh install.sh --server https://sallyport.example --token-file join-token --from DIRECTORY
        set -eu

        usage() {
            cat >&2 <<'END'
        usage: install.sh --server URL --token-file FILE --from DIRECTORY [--ca-file FILE]
          --server      the Sallyport server
          --token-file  a file with the single-use token that `sallyport host token` printed
          --from        the directory with sally-agent, libnss_sallyport.so.2 and pam_sallyport.so
          --ca-file     the authority that signed the server's certificate, if it is not a public one (PEM)
        END
            exit 2
        }

        fail() {
            printf 'install.sh: %s\\n' "$1" >&2
            exit 1
        }

        server= token= from= ca=
        while [ $# -gt 0 ]; do
            [ $# -ge 2 ] || usage
            case $1 in
                --server) server=$2 ;;
                --token-file) token=$2 ;;
                --from) from=$2 ;;
                --ca-file) ca=$2 ;;
                *) usage ;;
            esac
            shift 2
        done
        [ -n "$server" ] && [ -n "$token" ] && [ -n "$from" ] || usage

        [ "$(id -u)" -eq 0 ] || fail 'run it as root'
        [ "$(uname -s)" = Linux ] || fail 'sally-agent runs on Linux'
        [ -r "$token" ] || fail "cannot read $token"
        [ -z "$ca" ] || [ -r "$ca" ] || fail "cannot read $ca"
        programs='sally-agent libnss_sallyport.so.2 pam_sallyport.so'
        for file in $programs; do
            [ -f "$from/$file" ] || fail "there is no $file in $from"
        done

        target=/usr/local/lib/sallyport
        umask 022
        mkdir -p "$target"
        for file in $programs; do
            # A new file under a name of its own first: a running agent keeps the old one until it is replaced.
            cp "$from/$file" "$target/$file.new"
            chmod 0755 "$target/$file.new"
            mv -f "$target/$file.new" "$target/$file"
        done
        ln -sf "$target/sally-agent" /usr/local/sbin/sally-agent

        set -- join --server "$server" --token-file "$token" --modules "$target"
        [ -z "$ca" ] || set -- "$@" --ca-file "$ca"
        exec "$target/sally-agent" "$@"

        """
}
