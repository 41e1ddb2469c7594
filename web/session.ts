// One carrier after its handshake, as typed messages in order (SPEC §5, §6). Knows nothing of rooms or storage.

import type { Mode } from '../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { startHandshake } from '../shared/handshake.ts'
import { sha256 } from '../shared/hash.ts'
import { type ClawMessage, decodeMessage, encodeMessage } from '../shared/messages.ts'
import type { RecordBody } from '../shared/record.ts'
import { Opener, Sealer } from '../shared/session.ts'
import { Inbox } from '../shared/window.ts'
import type { Runtime } from './runtime.ts'
import type { Carrier } from './targets.ts'

const HANDSHAKE_MS = 10_000

export interface Session {
  /** the host's clock, unix ms, when it wrote M2 */
  readonly hostTimeMs: number
  /** when the key for what is sent now came into use, unix ms */
  readonly keySinceMs: number
  send(message: ClawMessage): void
  close(): void
  /** every message that came, one at a time; a handler that throws ends the carrier */
  run(handler: (message: ClawMessage) => Promise<void> | void, onEnd: () => void): void
}

/** Throws ClawError('handshake-failed'). */
export async function openSession(input: {
  readonly carrier: Carrier
  readonly mode: Mode
  readonly backend: CryptoBackend
  readonly record: RecordBody
  readonly root: Uint8Array
  readonly deviceKey: DhKey
  readonly runtime: Runtime
}): Promise<Session> {
  const { carrier, backend, record, runtime } = input
  const inbox: Uint8Array[] = []
  let receive = (bytes: Uint8Array): void => void inbox.push(bytes)
  carrier.onMessage((bytes) => receive(bytes))
  const handshake = await startHandshake({
    backend,
    random: runtime.random,
    context: {
      mode: input.mode,
      route: carrier.route,
      hostPublicKey: record.hostPublicKey,
      hostFingerprint: carrier.hostFingerprint,
      clientFingerprint: carrier.clientFingerprint,
      hint: carrier.hint,
      bind: sha256(carrier.knock),
    },
    root: input.root,
    deviceKey: input.deviceKey,
    hostStatic: record.hostStatic,
    timeMs: runtime.now(),
  })
  const answer = new Promise<Uint8Array>((resolve, reject) => {
    const fail = (): void => {
      cancel()
      reject(new ClawError('handshake-failed'))
    }
    const cancel = runtime.after(HANDSHAKE_MS, fail)
    carrier.onClose(fail)
    receive = (bytes) => {
      cancel()
      receive = (later) => void inbox.push(later)
      resolve(bytes)
    }
  })
  carrier.send(handshake.m1)
  const keys = await handshake.finish(await answer)
  const nowMs = runtime.now()
  const sealer = new Sealer({ backend, key: keys.send, channel: 0, nowMs })
  const opener = new Opener({ backend, key: keys.receive, channel: 0 })
  return {
    hostTimeMs: keys.hostTimeMs,
    get keySinceMs() {
      return sealer.keySinceMs
    },
    send(message) {
      sealer
        .seal(encodeMessage(message), runtime.now())
        .then((frames) => {
          for (const frame of frames) carrier.send(frame)
        })
        // A channel that is closing refuses; what was not acknowledged is sent again on the next one.
        .catch(() => carrier.close())
    },
    close: () => carrier.close(),
    run(handler, onEnd) {
      let tail: Promise<void> = Promise.resolve()
      let failed = false
      const unhandled = new Inbox()
      const fail = (): void => {
        failed = true
        carrier.close()
      }
      receive = (frame) => {
        // What came behind the first failure, before the carrier was closed, counts for nothing.
        if (failed) return
        try {
          unhandled.take(frame.length)
        } catch {
          return fail()
        }
        const opened = opener.open(frame)
        opened.catch(() => undefined)
        tail = tail
          .then(async () => {
            const message = await opened
            if (message !== null && !failed) await handler(decodeMessage(message))
            unhandled.handled(frame.length)
          })
          .catch(fail)
      }
      for (const frame of inbox.splice(0)) receive(frame)
      // What came before the end is handled before it.
      carrier.onClose(() => void tail.then(onEnd))
    },
  }
}
