"""What the scripts with Azure's key clients share: checks, a credential, an attestation authority of their own."""
import base64
import datetime
import http.server
import json
import ssl
import threading
import time

from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

checked = []


def check(name, holds):
    assert holds, name
    checked.append(name)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, length=None):
    return value.to_bytes(length or (value.bit_length() + 7) // 8, "big")


class Credential:
    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **kwargs):
        return AccessToken(self.token, int(time.time()) + 3600)


class Authority:
    """An attestation authority of the client's own: metadata, a bare key, and tokens that it signs itself."""

    def __init__(self, folder):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.wrapping = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        transport = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "own authority")])
        certificate = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(transport.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(transport, hashes.SHA256()))
        self.ca, private = folder + "/own-ca.pem", folder + "/own-key.pem"
        with open(self.ca, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        with open(private, "wb") as file:
            file.write(transport.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        numbers = self.key.public_key().public_numbers()
        jwks = {"keys": [{"kty": "RSA", "kid": "own", "use": "sig", "n": b64(number(numbers.n)), "e": "AQAB"}]}
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = jwks if self.path == "/certs" else {
                    "issuer": authority.url, "jwks_uri": authority.url + "/certs"}
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, private)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, **claims):
        numbers = self.wrapping.public_key().public_numbers()
        now = int(time.time())
        payload = {
            "iss": self.url, "iat": now, "nbf": now, "exp": now + 600, "secure": True,
            "x-ms-runtime": {"keys": [{
                "kty": "RSA", "kid": "wrap", "key_ops": ["encrypt"], "n": b64(number(numbers.n)), "e": "AQAB"}]}}
        payload.update(claims)
        signed = b64(json.dumps({"alg": "RS256", "kid": "own", "typ": "JWT"}).encode()) + "." + b64(
            json.dumps(payload).encode())
        return signed + "." + b64(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))

    def unwrap(self, released, enc):
        header, payload, signature = released.split(".")
        chain = [x509.load_der_x509_certificate(base64.b64decode(entry)) for entry in json.loads(unb64(header))["x5c"]]
        chain[0].public_key().verify(
            unb64(signature), (header + "." + payload).encode(), padding.PKCS1v15(), hashes.SHA256())
        for certificate, issuer in zip(chain, chain[1:]):
            certificate.verify_directly_issued_by(issuer)
        body = json.loads(unb64(payload))
        assert body["request"]["enc"] == enc
        ciphertext = unb64(json.loads(unb64(body["response"]["key"]["key"]["key_hsm"]))["ciphertext"])
        digest = {"256": hashes.SHA256(), "384": hashes.SHA384()}.get(enc[-3:], hashes.SHA1())
        inner = self.wrapping.decrypt(ciphertext[:384], padding.OAEP(padding.MGF1(digest), digest, None))
        return keywrap.aes_key_unwrap_with_padding(inner, ciphertext[384:])
