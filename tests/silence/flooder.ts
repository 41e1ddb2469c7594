// 10 000 junk packets a second for some seconds, from a process of its own and from 64 addresses of loopback: a quarter
// each of random bytes, a stranger's STUN, DTLS of nobody, and a good hint under a wrong password. Says what came back.
import { randomBytes } from 'node:crypto'
import { checkOf, makeKnock, Probe, ROOTS } from './dialer.ts'

const SOURCES = 64
const PER_SECOND = 10_000
const SLICE_MS = 10

const [port = 0, seconds = 0] = process.argv.slice(2).map(Number)
const probes = await Promise.all(
  Array.from({ length: SOURCES }, (_, i) => Probe.at(`127.9.${i >> 5}.${1 + (i & 31)}`, port)),
)

const guesses = Array.from({ length: 256 }, () =>
  checkOf({ ...makeKnock({ root: ROOTS.other }), password: 'x'.repeat(24) }),
)
let guess = 0
const kinds: readonly (() => Buffer)[] = [
  () => randomBytes(200),
  () => Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)]),
  () => Buffer.concat([Buffer.of(22, 254, 253), randomBytes(97)]),
  () => guesses[guess++ % guesses.length] ?? Buffer.alloc(0),
]

const total = PER_SECOND * seconds
const startMs = performance.now()
let sent = 0
while (sent < total) {
  const due = Math.min(total, ((performance.now() - startMs) / 1000) * PER_SECOND)
  const slice: Promise<void>[] = []
  for (; sent < due; sent++) {
    const packet = kinds[sent % kinds.length]?.() ?? Buffer.alloc(0)
    slice.push((probes[sent % SOURCES] as Probe).send(packet))
  }
  await Promise.all(slice)
  await new Promise((resolve) => setTimeout(resolve, SLICE_MS))
}
const tookMs = performance.now() - startMs
const answers = probes.reduce((sum, { received }) => sum + received.length, 0)
process.send?.({ sent, tookMs, answers })
for (const probe of probes) probe.close()
