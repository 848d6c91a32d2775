"""Certificates for `--lan`: a small authority of this user's own, and a certificate for this machine's local addresses.

Nouns: the *authority* is a key and a self-signed certificate that people may import; the *leaf* is what the server shows.
Files in `folder()`, mode 600: `authority.pem` and `server.pem`, each a private key with its certificates; `inos-ca.crt` is
the authority's certificate alone, for everybody.

Invariants: the authority is constrained to `local_networks.LOCAL` and to names below `.local`: whoever imports it trusts it
for no site of the internet, even if its key were stolen. Both are kept and used again, so that what a person has accepted
stays accepted; the leaf is made anew only when an address is missing in it or it ends soon, with its last addresses kept.
A key that others may read is refused. All keys are EC P-256: browsers take no Ed25519 certificates.

Must not know: sockets.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from inos_host.server.local_networks import LOCAL, Address

if TYPE_CHECKING:
    from collections.abc import Sequence

AUTHORITY_DAYS = 5 * 365
LEAF_DAYS = 365  # Apple's limit for certificates of imported authorities is 825
RENEW_DAYS = 30
CLOCK_SKEW = dt.timedelta(days=1)  # a device whose clock is behind
ADDRESSES_MAX = 16
AUTHORITY_FILE = "authority.pem"
LEAF_FILE = "server.pem"
PUBLIC_FILE = "inos-ca.crt"


class BadCertificate(Exception):
    """A file of ours that cannot be used, in one line."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def is_fresh(self, now: dt.datetime) -> bool:
        return now + dt.timedelta(days=RENEW_DAYS) < self.certificate.not_valid_after_utc

    def pem(self, *beside: x509.Certificate) -> bytes:
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return key + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in (self.certificate, *beside))


@dataclass(frozen=True, slots=True)
class Issued:
    """What the server needs: the file with the leaf's key and chain, the file to import, the leaf's fingerprint."""

    leaf_file: Path
    public_file: Path
    fingerprint: str


def folder() -> Path:
    """Where this user's certificates lie."""
    home = Path.home()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "inos"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "inos"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "inos"


def issue(where: Path, addresses: Sequence[Address], names: Sequence[str], now: dt.datetime | None = None) -> Issued:
    """The certificate for these addresses and names, the one of last time if it will do."""
    now = now or dt.datetime.now(dt.UTC)
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = _read(where / AUTHORITY_FILE)
        if authority is None or not authority.is_fresh(now):
            authority = make_authority(now)
            _write(where / AUTHORITY_FILE, authority.pem(), 0o600)
        public = authority.certificate.public_bytes(serialization.Encoding.PEM)
        if not (where / PUBLIC_FILE).exists() or (where / PUBLIC_FILE).read_bytes() != public:
            _write(where / PUBLIC_FILE, public, 0o644)
        leaf = _read(where / LEAF_FILE)
        if leaf is None or not _will_do(leaf, authority, addresses, names, now):
            before = named_in(leaf)[0] if leaf else []
            kept = [each for each in before if each not in addresses][: max(0, ADDRESSES_MAX - len(addresses))]
            leaf = make_leaf(authority, [*addresses, *kept], names, now)
            _write(where / LEAF_FILE, leaf.pem(authority.certificate), 0o600)
    except OSError as error:
        raise BadCertificate(f"cannot keep certificates in {where}: {error.strerror or error}") from None
    return Issued(where / LEAF_FILE, where / PUBLIC_FILE, fingerprint(leaf.certificate))


def make_authority(now: dt.datetime) -> Pair:
    """An authority that can speak for local networks alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"INOS on this network ({now:%Y-%m-%d})")])
    permitted: list[x509.GeneralName] = [x509.IPAddress(network) for network in LOCAL]
    permitted += [x509.DNSName("local"), x509.DNSName("localhost")]
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(key, certificate)


def make_leaf(authority: Pair, addresses: Sequence[Address], names: Sequence[str], now: dt.datetime) -> Pair:
    """A server's certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "INOS")])
    spoken_for: list[x509.GeneralName] = [x509.IPAddress(address) for address in addresses]
    spoken_for += [x509.DNSName(name) for name in names]
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(subject, authority.certificate.subject, key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(spoken_for), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(by, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(key, certificate)


def named_in(leaf: Pair) -> tuple[list[Address], list[str]]:
    """The addresses and names that a certificate speaks for."""
    names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = [
        each
        for each in names.get_values_for_type(x509.IPAddress)
        if isinstance(each, ipaddress.IPv4Address | ipaddress.IPv6Address)
    ]
    return addresses, names.get_values_for_type(x509.DNSName)


def names_in(file: Path) -> list[str]:
    """The names of a server's certificate, without those that stand for many. OSError or ValueError if it is none."""
    certificate = x509.load_pem_x509_certificates(file.read_bytes())[0]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName) if "*" not in name]


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as browsers show it: `AB:CD:...`."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _will_do(leaf: Pair, authority: Pair, addresses: Sequence[Address], names: Sequence[str], now: dt.datetime) -> bool:
    its_addresses, its_names = named_in(leaf)
    by_us = leaf.certificate.issuer == authority.certificate.subject and _is_signed_by(leaf, authority)
    return by_us and leaf.is_fresh(now) and set(addresses) <= set(its_addresses) and set(names) <= set(its_names)


def _is_signed_by(leaf: Pair, authority: Pair) -> bool:
    try:
        leaf.certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # noqa: BLE001 - ValueError, TypeError or InvalidSignature: in every case it is not ours
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _read(file: Path) -> Pair | None:
    """A key and its certificate, None where there is no file."""
    try:
        mode = file.stat().st_mode
        pem = file.read_bytes()
    except FileNotFoundError:
        return None
    if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
        raise BadCertificate(f"others may read the key in {file}: delete that file, a new one is made then")
    try:
        key = serialization.load_pem_private_key(pem, None)
        certificate = x509.load_pem_x509_certificates(pem)[0]
        named = certificate.extensions
    except (ValueError, TypeError):
        raise BadCertificate(f"{file} is damaged: delete it, a new one is made then") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key() or not named:
        raise BadCertificate(f"{file} is damaged: delete it, a new one is made then")
    return Pair(key, certificate)


def _write(file: Path, content: bytes, mode: int) -> None:
    """All of a file or nothing of it, never readable by others for a moment."""
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
    half.replace(file)
