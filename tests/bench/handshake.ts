// The handshake (SPEC §5) per side and back end, rounds interleaved so that a busy machine is unkind to all alike.
import { randomBytes } from 'node:crypto'
import { nodeBackend } from '../../host/nodecrypto.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { answerHandshake, type HandshakeContext, startHandshake } from '../../shared/handshake.ts'
import { nobleBackend } from '../../shared/noble.ts'
import { webcryptoBackend } from '../../web/webcrypto.ts'
import { printRow } from './stats.ts'

const ROUNDS = 60
const WARM_UP = 10
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

interface Times {
  readonly device: number[]
  readonly host: number[]
}

async function once(backend: CryptoBackend, times: Times): Promise<void> {
  const context: HandshakeContext = {
    mode: 'connect',
    route: 'direct',
    hostPublicKey: random(32),
    hostFingerprint: random(32),
    clientFingerprint: random(32),
    hint: random(8),
    bind: random(32),
  }
  const root = random(32)
  const deviceKey = await backend.dhKey(random(32))
  const hostKey = await backend.dhKey(random(32))
  const hostStatic = hostKey.publicKey
  const reply = { hostTimeMs: 0, recordSeq: 1, sessionId: random(16), status: 0 }
  const start = performance.now()
  const device = await startHandshake({
    backend,
    random,
    context,
    root,
    deviceKey,
    hostStatic,
    timeMs: 0,
  })
  const sent = performance.now()
  const { m2 } = await answerHandshake({
    backend,
    random,
    context,
    root,
    hostKey,
    m1: device.m1,
    reply,
  })
  const answered = performance.now()
  await device.finish(m2)
  times.device.push(sent - start + (performance.now() - answered))
  times.host.push(answered - sent)
}

export async function benchHandshake(): Promise<void> {
  const backends = [nodeBackend, webcryptoBackend, nobleBackend]
  const all = new Map(backends.map((backend) => [backend, { device: [], host: [] } as Times]))
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [backend, times] of all)
      await once(backend, round < WARM_UP ? { device: [], host: [] } : times)
  }
  for (const [{ name }, { device, host }] of all) {
    printRow({ cell: 'handshake', what: `${name}, device: M1 and M2`, unit: 'ms', values: device })
    printRow({ cell: 'handshake', what: `${name}, host: M1 to M2`, unit: 'ms', values: host })
  }
}
