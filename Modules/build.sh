#!/bin/sh
# Builds the two small modules that live in other processes on a host: the name service module and the PAM module.
# Embedded Swift: no runtime, only the C library. Usage: Modules/build.sh OUTPUT-DIRECTORY
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: Modules/build.sh OUTPUT-DIRECTORY}
: "${SWIFTC:=swiftc}" "${CC:=cc}" "${STRIP:=strip}"
mkdir -p "$out"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# compile NAME HEADER SOURCES...
compile() {
    name=$1 header=$2
    shift 2
    "$SWIFTC" -parse-as-library -wmo -Osize -enable-experimental-feature Embedded -module-name "$name" \
        -Xfrontend -function-sections \
        -Xcc -fPIC -Xcc -fno-stack-protector -Xcc -Wno-nullability-completeness ${SALLYPORT_DEFINES:-} \
        -import-objc-header "$header" -c "$@" -o "$objects/$name.o"
}

compile NameService "$here/Shared/Shim.h" "$here"/Shared/*.swift "$here"/NameService/*.swift
"$CC" -shared -nostartfiles -Wl,-soname,libnss_sallyport.so.2 -Wl,-z,relro,-z,now,--gc-sections,--as-needed \
    -Wl,--version-script="$here/NameService/exports.map" "$objects/NameService.o" -o "$out/libnss_sallyport.so.2"

compile Authentication "$here/Authentication/Shim.h" "$here"/Shared/*.swift "$here"/Authentication/*.swift
"$CC" -shared -nostartfiles -Wl,-soname,pam_sallyport.so -Wl,-z,relro,-z,now,--gc-sections,--as-needed \
    -Wl,--version-script="$here/Authentication/exports.map" "$objects/Authentication.o" -lpam -o "$out/pam_sallyport.so"

"$STRIP" --strip-unneeded "$out/libnss_sallyport.so.2" "$out/pam_sallyport.so"
