// The client's end of the benchmark's host: a bare channel, and a session through the whole stack, on Node.
import { nodeBackend } from '../../host/nodecrypto.ts'
import { fromBase64, fromHex } from '../../shared/bytes.ts'
import { HINT_BYTES } from '../../shared/constants.ts'
import type { RecordBody } from '../../shared/record.ts'
import { browserRuntime } from '../../web/runtime.ts'
import { openSession, type Session } from '../../web/session.ts'
import { Client, EPOCH } from '../silence/dialer.ts'
import type { EchoReady } from './echohost.ts'

/** A channel to one of its ports, from an address of its own in 127/8. */
export function dialHost(
  { devices, fingerprint }: EchoReady,
  port: number,
  address: string,
  nth = 0,
): Promise<Client> {
  const root = fromHex(devices[nth]?.root ?? '')
  return Client.connect({ port }, address, fromHex(fingerprint), root)
}

/** A session of the device `nth`. */
export async function openStack(ready: EchoReady, nth: number, address: string): Promise<Session> {
  const client = await dialHost(ready, ready.stackPort, address, nth)
  const { root = '', secret = '' } = ready.devices[nth] ?? {}
  const knock = fromBase64(client.knock.ufrag, 'malformed')
  return openSession({
    carrier: {
      route: 'direct',
      send: (bytes) => client.channel.send(Buffer.from(bytes)),
      onMessage: (listener) =>
        client.channel.onMessage.subscribe((data) => listener(new Uint8Array(data as Buffer))),
      onClose: () => undefined,
      close: () => {
        throw new Error('the session gave the carrier up')
      },
      hostFingerprint: fromHex(ready.fingerprint),
      clientFingerprint: client.fingerprint,
      knock,
      hint: knock.slice(0, HINT_BYTES),
      epoch: EPOCH,
    },
    mode: 'connect',
    backend: nodeBackend,
    // Of the record a session needs the host's two keys only.
    record: {
      hostPublicKey: fromHex(ready.hostPublicKey),
      hostStatic: fromHex(ready.hostStatic),
    } as RecordBody,
    root: fromHex(root),
    deviceKey: nodeBackend.dhKey(fromHex(secret)),
    runtime: browserRuntime,
  })
}
