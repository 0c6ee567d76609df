# shellcheck shell=bash
# Certificates and passwords for --secure. Sourced by ../kafka.
# shellcheck disable=SC2154 # set by ../kafka and settings.sh: dir, ports

# One certificate: NAME, subject, extension lines. Signed by CA (its name).
certificate() {
  local name=$1 subject=$2 extensions=$3 ca=$4
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$name.key"
  openssl req -new -key "$name.key" -subj "$subject" -out "$name.csr"
  printf '%s\n' "$extensions" >"$name.ext"
  openssl x509 -req -in "$name.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial \
    -days 3650 -sha256 -extfile "$name.ext" -out "$name.pem"
  rm -f "$name.csr" "$name.ext"
}

authority() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -sha256 -subj "$2" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -keyout "$1.key" -out "$1.pem"
}

# DIR/certs: an authority, the brokers' certificate, a client's, and an authority that
# nobody trusts, to test that a wrong one is refused. Keys are not encrypted: they are
# worth nothing outside this directory.
make_secrets() {
  need openssl "install openssl; --secure makes certificates with it"
  mkdir -p "$dir/certs"
  (
    umask 077
    cd "$dir/certs"
    exec 2>openssl.log
    authority ca '/CN=hedonic test authority'
    authority other-ca '/CN=an authority nobody trusts'
    certificate broker '/CN=localhost' \
      $'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth' ca
    certificate client '/CN=hedonic test client' 'extendedKeyUsage=clientAuth' ca
    # Kafka reads a key and its chain from one file.
    cat broker.key broker.pem ca.pem >broker-chain.pem
  ) || die "openssl failed; see $dir/certs/openssl.log"
}

write_secure_env() {
  [ -n "${sasl_password:-}" ] || sasl_password=$(head -c 18 /dev/urandom | base64 | tr '+/' 'xy')
  (
    umask 077
    cat >"$dir/secure.env" <<ENV
KAFKA_SSL_ADDRESSES=$(addresses "${ssl_ports[@]}")
KAFKA_SASL_ADDRESSES=$(addresses "${sasl_ports[@]}")
KAFKA_SASL_USERNAME=hedonic
KAFKA_SASL_PASSWORD=$sasl_password
KAFKA_SASL_MECHANISMS="PLAIN SCRAM-SHA-256 SCRAM-SHA-512"
KAFKA_CA_LOCATION="$dir/certs/ca.pem"
KAFKA_WRONG_CA_LOCATION="$dir/certs/other-ca.pem"
KAFKA_CLIENT_CERTIFICATE_LOCATION="$dir/certs/client.pem"
KAFKA_CLIENT_KEY_LOCATION="$dir/certs/client.key"
ENV
  )
}
