"""The other side of peer.rs: COSE by the package cwt, keys by cryptography, CBOR by cbor2. It shares no code with us.

verify: reads lines `public kid good flipped subject` (hexadecimal), prints `1` or `0` for good and for flipped.
issue COUNT ISSUER SITE NOW SECRET..: prints lines `subject cose`; a secret is `alg:kid:hex`, and each is used in turn.
"""
import hashlib
import sys

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cwt import COSE, COSEKey

SUBJECT, KIND = -70001, -70003


def public_key(written, kid):
    if written[0] == 1:
        return COSEKey.new({1: 1, 2: kid, 3: -8, -1: 6, -2: written[1:]})
    numbers = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), written[1:]).public_numbers()
    point = {-2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
    return COSEKey.new({1: 2, 2: kid, 3: -7, -1: 1, **point})


def secret_key(algorithm, secret):
    if algorithm == -8:
        public = ed25519.Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        return COSEKey.new({1: 1, 3: -8, -1: 6, -2: public, -4: secret})
    numbers = ec.derive_private_key(int.from_bytes(secret), ec.SECP256R1()).public_key().public_numbers()
    parts = {-2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32), -4: secret}
    return COSEKey.new({1: 2, 3: -7, -1: 1, **parts})


def accepts(cose, key, message, subject):
    try:
        claims = cbor2.loads(cose.decode(message, key))
        return claims[SUBJECT] == subject
    except Exception:  # whatever a library says no with
        return False


def verify():
    cose, keys = COSE.new(), {}
    for line in sys.stdin:
        written, kid, good, flipped, subject = (bytes.fromhex(part) for part in line.split())
        key = keys.get(written) or keys.setdefault(written, public_key(written, kid))
        print(int(accepts(cose, key, good, subject)), int(accepts(cose, key, flipped, subject)))


def issue(count, issuer, site, now, *secrets):
    cose, keys, now = COSE.new(), [], int(now)
    for secret in secrets:
        algorithm, kid, digits = secret.split(":")
        key = secret_key(int(algorithm), bytes.fromhex(digits))
        keys.append((key, {1: int(algorithm), 4: bytes.fromhex(kid)}))
    for number in range(int(count)):
        key, protected = keys[number % len(keys)]
        random = hashlib.sha256(number.to_bytes(8)).digest()
        subject, cti = random[:10], random[16:]
        claims = {1: issuer, 3: site, 4: now + 60, 6: now, 7: cti, SUBJECT: subject, KIND: 1 + number % 3}
        payload = cbor2.dumps(claims, canonical=True)
        print(subject.hex(), cose.encode(payload, key, protected=dict(protected), unprotected={}).hex())


if sys.argv[1] == "verify":
    verify()
else:
    issue(*sys.argv[2:])
