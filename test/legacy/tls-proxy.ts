import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

/** A self-signed certificate of `localhost`, which no one else trusts. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBYTCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIqoAY/bINZ82jcT
RUh16vZzZ/Bd9SfQzYDrklox6Nl7XWszryfw7tiYS9Td/7Oy3sN0nqGWdpa6YbnG
qRwo9LKjSDBGMA8GA1UdEwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0
MB0GA1UdDgQWBBSxxjiXDo5ODhI+8SGnVV8z2chmkTAKBggqhkjOPQQDAgNIADBF
AiEAg+g131iLA9oqaVJVuJYcnuLZ11QC/ik7OwkK/Ny1aOICIDyPqOei3MF82F3/
9y4is16KQYECgPrCc/UIhcfwSXGO
-----END CERTIFICATE-----
`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCSfNkZCocnawh1qI
T3jTCSE6f2pJp43b2CczbJuF/rahRANCAASKqAGP2yDWfNo3E0VIder2c2fwXfUn
0M2A65JaMejZe11rM68n8O7YmEvU3f+zst7DdJ6hlnaWumG5xqkcKPSy
-----END PRIVATE KEY-----
`;

/** A TLS server for PostgreSQL, in front of a server without TLS. It has the certificate above. */
export async function tlsProxy(target: {
  host: string;
  port: number;
}): Promise<{ port: number; close: () => void }> {
  const secureContext = createSecureContext({ key, cert: certificate });
  const server = createServer((client) => {
    client.on('error', () => undefined);
    // The request for TLS: eight bytes; the response is S.
    client.once('data', () => {
      client.write('S');
      const secure = new TLSSocket(client, { isServer: true, secureContext });
      const inner = connect(target);
      for (const [from, to] of [
        [secure, inner],
        [inner, secure],
      ] as const) {
        from.on('error', () => to.destroy());
        from.pipe(to);
      }
    });
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
