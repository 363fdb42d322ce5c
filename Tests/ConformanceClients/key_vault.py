"""Microsoft's own key client, synchronous and asynchronous, against our key service: every operation.

Arguments: key-service URL, CA file, file with the administrator's token, the cloister executable, state folder.
Prints one JSON object with what was checked; any failure is an exception.
"""
import asyncio
import datetime
import hashlib
import inspect
import json
import subprocess
import sys
import tempfile
import time
import uuid

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.administration import (
    KeyVaultAccessControlClient, KeyVaultDataAction, KeyVaultPermission)
from azure.keyvault.keys import (
    JsonWebKey, KeyClient, KeyReleasePolicy, KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction)
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient
from azure.keyvault.keys.crypto import (
    CryptographyClient, EncryptionAlgorithm as E, KeyWrapAlgorithm as W, SignatureAlgorithm as S)
from azure.keyvault.keys.crypto.aio import CryptographyClient as AsyncCryptographyClient
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from client_support import Authority, Credential, check, checked, number

vault, ca, token_file, cloister, state = sys.argv[1:]
with open(token_file) as file:
    token = file.read().strip()


class AsyncCredential:
    async def get_token(self, *scopes, **kwargs):
        return AccessToken(token, int(time.time()) + 3600)

    async def close(self):
        pass


async def value(result):
    """What a call of either client gives."""
    if hasattr(result, "result"):
        return result.result()
    return await result if inspect.isawaitable(result) else result


async def every(pager):
    return [item async for item in pager] if hasattr(pager, "__aiter__") else list(pager)


async def refused(kind, call, *arguments, **keywords):
    try:
        await value(call(*arguments, **keywords))
    except kind as error:
        return error
    raise AssertionError(f"{call} was not refused")


class Side:
    """One of the two clients under one interface."""

    def __init__(self, name, client, crypto):
        self.name, self.client, self.make_crypto = name, client, crypto
        self.delete = getattr(client, "begin_delete_key", None) or client.delete_key
        self.recover = getattr(client, "begin_recover_deleted_key", None) or client.recover_deleted_key
        self.made = []
        self.prefix = name + "-" + uuid.uuid4().hex[:8]

    def check(self, name, holds):
        check(f"{self.name}: {name}", holds)

    def key(self, name):
        return f"{self.prefix}-{name}"

    def crypto(self, key):
        self.made.append(self.make_crypto(key))
        return self.made[-1]

    async def close(self):
        for crypto in self.made:
            await value(crypto.close())


async def management(side):
    client = side.client
    for size in (2048, 3072, 4096):
        made = await value(client.create_rsa_key(side.key(f"rsa{size}"), size=size))
        side.check(f"RSA {size}", len(made.key.n) == size // 8 and made.key_type.value == "RSA")
    for curve, length in (("P-256", 32), ("P-384", 48), ("P-521", 66), ("P-256K", 32)):
        made = await value(client.create_ec_key(side.key(curve), curve=curve, hardware_protected=True))
        side.check(f"EC {curve}", len(made.key.x) == len(made.key.y) == length and made.key_type.value == "EC-HSM")
    made = await value(client.create_oct_key(side.key("oct"), size=256, hardware_protected=True))
    side.check("oct", made.key_type.value == "oct-HSM" and made.key.k is None)

    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    n = own.private_numbers()
    imported = await value(client.import_key(side.key("imported"), JsonWebKey(
        kty="RSA", key_ops=["sign", "verify"], n=number(n.public_numbers.n), e=number(n.public_numbers.e),
        d=number(n.d), p=number(n.p), q=number(n.q), dp=number(n.dmp1), dq=number(n.dmq1), qi=number(n.iqmp))))
    side.check("import", int.from_bytes(imported.key.n, "big") == n.public_numbers.n)
    digest = hashlib.sha256(b"text").digest()
    signed = await value(side.crypto(imported).sign(S.rs256, digest))
    own.public_key().verify(signed.signature, b"text", padding.PKCS1v15(), hashes.SHA256())
    side.check("the imported key signs as its maker's", True)

    name = side.key("versions")
    first = await value(client.create_ec_key(name, tags={"a": "b"}))
    for _ in range(4):
        last = await value(client.create_ec_key(name))
    versions = await every(client.list_properties_of_key_versions(name, max_page_size=2))
    side.check("five versions in pages of two", len({item.version for item in versions}) == 5)
    names = [item.name for item in await every(client.list_properties_of_keys(max_page_size=3))]
    side.check("keys in pages of three, each once", len(names) == len(set(names)) and name in names)
    side.check("get latest", (await value(client.get_key(name))).id == last.id)
    got = await value(client.get_key(name, first.properties.version))
    side.check("get a version", got.id == first.id and got.properties.tags == {"a": "b"})
    ends = datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)
    updated = await value(client.update_key_properties(
        name, first.properties.version, enabled=False, expires_on=ends, tags={"c": "d"}))
    side.check("update a version", updated.properties.enabled is False and updated.properties.expires_on == ends)
    updated = await value(client.update_key_properties(name, key_operations=["sign"]))
    side.check("update the latest", updated.id == last.id and updated.key_operations == ["sign"])
    error = await refused(HttpResponseError, side.crypto(first.id).sign, S.es256, digest)
    side.check("a disabled version does not sign", error.status_code == 403)
    error = await refused(ResourceNotFoundError, client.get_key, side.key("none"))
    side.check("404 KeyNotFound", error.error.code == "KeyNotFound")


async def deletion(side):
    client, name = side.client, side.key("deleted")
    made = await value(client.create_rsa_key(name))
    backup = await value(client.backup_key(name))
    deleted = await value(side.delete(name))
    side.check("delete", deleted.recovery_id and deleted.scheduled_purge_date > deleted.deleted_date)
    await refused(ResourceNotFoundError, client.get_key, name)
    error = await refused(ResourceExistsError, client.create_ec_key, name)
    side.check("409 while deleted", "deleted but recoverable" in str(error))
    side.check("get deleted", (await value(client.get_deleted_key(name))).id == made.id)
    listed = await every(client.list_deleted_keys(max_page_size=1))
    side.check("list deleted", name in [item.name for item in listed])
    recovered = await value(side.recover(name))
    side.check("recover", recovered.id == made.id)
    error = await refused(ResourceExistsError, client.restore_key_backup, backup)
    side.check("no restore over a key", error.status_code == 409)
    await value(side.delete(name))
    await value(client.purge_deleted_key(name))
    await refused(ResourceNotFoundError, client.get_deleted_key, name)
    restored = await value(client.restore_key_backup(backup))
    side.check("restore after purge", restored.id == made.id and restored.key.n == made.key.n)


async def rotation(side):
    client, name = side.client, side.key("rotated")
    made = await value(client.create_ec_key(name, curve="P-384"))
    policy = await value(client.update_key_rotation_policy(name, KeyRotationPolicy(), expires_in="P90D", lifetime_actions=[
        KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P30D"),
        KeyRotationLifetimeAction(KeyRotationPolicyAction.notify, time_before_expiry="P10D")]))
    side.check("set a rotation policy", policy.expires_in == "P90D" and len(policy.lifetime_actions) == 2)
    read = await value(client.get_key_rotation_policy(name))
    side.check("read it", read.id == policy.id and read.lifetime_actions[0].time_after_create == "P30D")
    rotated = await value(client.rotate_key(name))
    side.check("rotate", rotated.id != made.id and rotated.key.crv == "P-384"
               and (rotated.properties.expires_on - rotated.properties.created_on).days == 90)
    side.check("random bytes", len(await value(client.get_random_bytes(32))) == 32)


async def operations(side):
    client = side.client
    plain, secret = b"a plain text", bytes(range(32))
    key = await value(client.get_key(side.key("rsa2048")))
    crypto = side.crypto(key)
    for algorithm in (E.rsa1_5, E.rsa_oaep, E.rsa_oaep_256):
        sealed = await value(crypto.encrypt(algorithm, plain))
        opened = await value(crypto.decrypt(algorithm, sealed.ciphertext))
        side.check(f"{algorithm.value} here, back there", opened.plaintext == plain)
        wrapped = await value(crypto.wrap_key(W(algorithm.value), secret))
        side.check(f"unwrap {algorithm.value}", (
            await value(crypto.unwrap_key(W(algorithm.value), wrapped.encrypted_key))).key == secret)
    for name, algorithms in (("rsa3072", "RS256 RS384 RS512 PS256 PS384 PS512"), ("P-256", "ES256"), ("P-384", "ES384"),
                             ("P-521", "ES512"), ("P-256K", "ES256K")):
        key = await value(client.get_key(side.key(name)))
        crypto = side.crypto(key)
        for algorithm in algorithms.split():
            digest = hashlib.new("sha" + algorithm[2:5], b"text").digest()
            signed = await value(crypto.sign(S(algorithm), digest))
            # The client verifies by itself, with its own library.
            good = await value(crypto.verify(S(algorithm), digest, signed.signature))
            bad = await value(crypto.verify(S(algorithm), digest[::-1], signed.signature))
            side.check(f"{algorithm} there, verified here", good.is_valid is True and bad.is_valid is False)
    crypto = side.crypto(await value(client.get_key(side.key("oct"))))
    sealed = await value(crypto.encrypt(E.a256_gcm, plain, additional_authenticated_data=b"aad"))
    opened = await value(crypto.decrypt(
        E.a256_gcm, sealed.ciphertext, iv=sealed.iv, authentication_tag=sealed.tag, additional_authenticated_data=b"aad"))
    side.check("A256GCM", opened.plaintext == plain and len(sealed.iv) == 12 and len(sealed.tag) == 16)
    for algorithm, text in ((E.a256_cbc, secret), (E.a256_cbcpad, plain)):
        sealed = await value(crypto.encrypt(algorithm, text, iv=bytes(16)))
        opened = await value(crypto.decrypt(algorithm, sealed.ciphertext, iv=bytes(16)))
        side.check(algorithm.value, opened.plaintext == text)
    for algorithm in (W.aes_256, W.ckm_aes_key_wrap, W.ckm_aes_key_wrap_pad):
        wrapped = await value(crypto.wrap_key(algorithm, secret))
        side.check(algorithm.value, (await value(crypto.unwrap_key(algorithm, wrapped.encrypted_key))).key == secret)
    for algorithm in (S.hs256, S.hs384, S.hs512):
        digest = hashlib.new("sha" + algorithm.value[2:], b"text").digest()
        signed = await value(crypto.sign(algorithm, digest))
        good = await value(crypto.verify(algorithm, digest, signed.signature))
        side.check(algorithm.value, good.is_valid is True)


async def release(side, authority):
    client = side.client
    policy = {"version": "1.0.0", "anyOf": [{"authority": authority.url + "/", "allOf": [
        {"claim": "secure", "equals": "true"}]}]}
    keywords = dict(exportable=True, hardware_protected=True,
                    release_policy=KeyReleasePolicy(json.dumps(policy).encode()))
    algorithms = ("CKM_RSA_AES_KEY_WRAP", "RSA_AES_KEY_WRAP_256", "RSA_AES_KEY_WRAP_384")
    for name, made in (
            ("release-rsa", await value(client.create_rsa_key(side.key("release-rsa"), size=2048, **keywords))),
            ("release-ec", await value(client.create_ec_key(side.key("release-ec"), curve="P-521", **keywords))),
            ("release-k1", await value(client.create_ec_key(side.key("release-k1"), curve="P-256K", **keywords)))):
        for enc in algorithms:
            released = await value(client.release_key(side.key(name), authority.token(), algorithm=enc, nonce="n"))
            private = serialization.load_der_private_key(authority.unwrap(released.value, enc), None)
            public = private.public_key().public_numbers()
            same = public.n == int.from_bytes(made.key.n, "big") if made.key.n else (
                public.x == int.from_bytes(made.key.x, "big"))
            side.check(f"{name} by {enc} is the key", same)
    secret = hashlib.sha256(side.prefix.encode()).digest()
    await value(client.import_key(
        side.key("release-oct"), JsonWebKey(kty="oct-HSM", k=secret, key_ops=["encrypt"]), exportable=True,
        release_policy=KeyReleasePolicy(json.dumps(policy).encode(), immutable=True)))
    released = await value(client.release_key(side.key("release-oct"), authority.token(), algorithm=algorithms[1]))
    side.check("an oct key is the key", authority.unwrap(released.value, algorithms[1]) == secret)
    error = await refused(HttpResponseError, client.release_key, side.key("release-rsa"), authority.token(secure=False))
    side.check("another claim gets nothing", error.status_code == 403 and (
        error.response.headers["Cloister-Refusal"] == "claim-mismatch:secure"))
    error = await refused(HttpResponseError, client.release_key, side.key("rsa2048"), authority.token())
    side.check("a key that is not exportable stays", error.status_code == 403)
    other = KeyReleasePolicy(json.dumps(policy).replace("true", "false").encode())
    error = await refused(
        HttpResponseError, client.update_key_properties, side.key("release-oct"), release_policy=other)
    side.check("an immutable policy stays", error.status_code == 400 and "AKV.SKR.1020" in str(error))


def roles():
    client = KeyVaultAccessControlClient(vault, Credential(token), verify_challenge_resource=False, connection_verify=ca)
    definitions = {item.role_name: item for item in client.list_role_definitions("/")}
    check("roles: built in", "Managed HSM Crypto User" in definitions)
    principal = str(uuid.uuid4())
    made = client.create_role_assignment("/keys", definitions["Managed HSM Crypto Auditor"].id, principal)
    check("roles: assigned", made.properties.principal_id == principal)
    check("roles: listed", made.name in [item.name for item in client.list_role_assignments("/keys")])
    check("roles: read", client.get_role_assignment("/keys", made.name).properties.scope == "/keys")
    client.delete_role_assignment("/keys", made.name)
    own = client.set_role_definition(
        "/", role_name="Reader", permissions=[KeyVaultPermission(data_actions=[KeyVaultDataAction.READ_HSM_KEY])])
    check("roles: one's own", client.get_role_definition("/", own.name).role_name == "Reader")
    client.delete_role_definition("/", own.name)
    check("roles: taken away", made.name not in [item.name for item in client.list_role_assignments("/keys")])


async def main():
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(folder)
        # The running installation gets the authority, and its key service a new start.
        subprocess.run(
            [cloister, "up", "--state", state, "--detach", "--json", "--trust-authority", authority.url,
             "--trust-authority-ca", authority.ca], check=True, stdout=subprocess.DEVNULL)
        keywords = dict(verify_challenge_resource=False, connection_verify=ca)
        sync = Side("sync", KeyClient(vault, Credential(token), **keywords),
                    lambda key: CryptographyClient(key, Credential(token), **keywords))
        async with AsyncKeyClient(vault, AsyncCredential(), **keywords) as client:
            both = (sync, Side("async", client,
                               lambda key: AsyncCryptographyClient(key, AsyncCredential(), **keywords)))
            for side in both:
                await management(side)
                await deletion(side)
                await rotation(side)
                await operations(side)
                await release(side, authority)
                await side.close()
    roles()
    logs = json.loads(subprocess.run(
        [cloister, "audit", "verify", "--state", state, "--json"], check=True, stdout=subprocess.PIPE).stdout)
    check("audit logs are whole", logs["ok"] and len(logs["logs"]) >= 2)
    print(json.dumps({"checked": checked}))


asyncio.run(main())
