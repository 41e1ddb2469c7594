// What a knock costs the host, and how many junk packets a second one core drops: the order of checks in SPEC §4 decides.
import { randomBytes } from 'node:crypto'
import { Gate } from '../../host/gate.ts'
import { encodeBindingRequest, looksLikeStun, parseBindingRequest } from '../../host/stun.ts'
import {
  hostTag,
  icePassword,
  knockUfrag,
  openKnock,
  parseKnock,
  sealKnock,
} from '../../shared/knock.ts'
import { printRatio, printRow } from './stats.ts'

const ROUNDS = 9
const PER_ROUND = 2000
const EPOCH = 1000

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const root = random(32)
const tag = hostTag(random(32))

function knockOf(credential: Uint8Array) {
  const nonce = random(12)
  const knock = sealKnock({
    root: credential,
    hostTag: tag,
    epoch: EPOCH,
    route: 'direct',
    timeMs: 1,
    clientFingerprint: random(32),
    nonce,
    clientUfrag: 'abcd',
  })
  return { ufrag: knockUfrag(knock), password: icePassword(credential, nonce) }
}

const request = (ufrag: string, password: string): Buffer =>
  encodeBindingRequest({
    transaction: randomBytes(12),
    username: `${ufrag}:abcd`,
    password,
    useCandidate: true,
  })

/** By kind: what arrives, and from where. */
const KINDS: Readonly<Record<string, () => Buffer>> = {
  'random bytes': () => randomBytes(200),
  'STUN of a stranger': () => {
    const { ufrag, password } = knockOf(random(32))
    return request(ufrag, password)
  },
  'right hint, wrong integrity': () => request(knockOf(root).ufrag, 'wrong'),
}

/** Microseconds per packet of one round, through the parser and the gate as host/direct.ts calls them. */
function drop(packets: readonly Buffer[], oneSource: boolean): number {
  const gate = new Gate(tag, [], 0)
  gate.setCredentials([{ id: 'device', root }], EPOCH)
  const start = performance.now()
  for (const [i, packet] of packets.entries()) {
    if (!looksLikeStun(packet)) continue
    const parsed = parseBindingRequest(packet)
    if (parsed === null) continue
    const address = oneSource ? '10.0.0.1' : `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    if (gate.handle(parsed, { socket: 'a', address, port: 1 }, 1).type !== 'drop')
      throw new Error('bug: junk was admitted')
  }
  return ((performance.now() - start) * 1000) / packets.length
}

export function benchKnock(): void {
  const { ufrag } = knockOf(root)
  const verify: number[] = []
  for (let i = 0; i < 2000; i++) {
    const start = performance.now()
    const { raw } = parseKnock(ufrag)
    openKnock({ root, hostTag: tag, knock: raw, clientUfrag: 'abcd', route: 'direct' })
    verify.push((performance.now() - start) * 1000)
  }
  printRow({
    cell: 'knock',
    what: 'parse and open one knock',
    unit: 'µs',
    values: verify.slice(200),
  })
  const sets = Object.entries(KINDS).map(([name, make]) => ({
    name,
    packets: Array.from({ length: PER_ROUND }, make),
    many: [] as number[],
    one: [] as number[],
  }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const set of round % 2 === 0 ? sets : sets.toReversed()) {
      const [many, one] = [drop(set.packets, false), drop(set.packets, true)]
      if (round === 0) continue
      set.many.push(many)
      set.one.push(one)
    }
  }
  for (const { name, many, one } of sets) {
    printRow({
      cell: 'knock',
      what: `${name}: drop one, each from another source`,
      unit: 'µs',
      values: many,
    })
    printRow({
      cell: 'knock',
      what: `${name}: drop one, all from one source`,
      unit: 'µs',
      values: one,
    })
    const rate = many.map((micros) => 1e6 / micros)
    printRow({
      cell: 'knock',
      what: `${name}: packets dropped per second`,
      unit: '/s',
      values: rate,
    })
  }
  const [garbage, , wrong] = sets
  if (garbage && wrong) printRatio('right hint / random bytes', wrong.many, garbage.many)
}
