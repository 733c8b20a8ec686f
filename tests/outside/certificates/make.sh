#!/bin/sh
# Makes the certificates of the tests anew, in the folder of this script.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc"

openssl req -x509 $key -days 10950 -subj "/CN=Conveyor test authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" \
    -keyout "$work/authority.key" -out authority.pem

sign() { # NAME EXTENSIONS
    openssl req $key -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr"
    printf '%s\n' "basicConstraints=critical,CA:FALSE" "$2" >"$work/$1.ext"
    openssl x509 -req -days 10950 -in "$work/$1.csr" -extfile "$work/$1.ext" \
        -CA authority.pem -CAkey "$work/authority.key" -CAcreateserial -out "$work/$1.crt"
    cat "$work/$1.key" "$work/$1.crt" >"$1.pem"
}

sign server "subjectAltName=DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth"
sign client "extendedKeyUsage=clientAuth"
rm -rf "$work" authority.srl
