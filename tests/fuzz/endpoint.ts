// The fallback endpoint (SPEC §3.3) under any requests, against a model of what it must hold.
import { COUNTER_SLACK, RECORD_EXPIRY_MS, type WritePolicy } from '../../fallback-worker/cell.ts'
import { openFallback } from '../../fallback-worker/node.ts'
import { concat, toHex, toUtf8 } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { sha256 } from '../../shared/hash.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { encodePut, storageId } from '../../shared/put.ts'
import { fixed } from '../vectors/fixed.ts'
import { at, Choices } from './dice.ts'
import { must, mustEqual, type Target } from './target.ts'

const START = 1_800_000_000_000
const TOKEN = 'deploy-token'
const SECRETS = [fixed('fuzz writer 0'), fixed('fuzz writer 1')]
const IDS = SECRETS.map((secret) => toHex(storageId(ed25519PublicKey(secret))))
const COUNTERS = [0, 1, 2, START, START + COUNTER_SLACK, START + COUNTER_SLACK + 1, 2 ** 53 - 1]
const STATUSES = [200, 204, 304, 400, 403, 404, 409, 413, 429]

const POLICIES: readonly WritePolicy[] = [
  { kind: 'own', ids: () => new Set(IDS.slice(0, 1)) },
  { kind: 'token', tokenHash: sha256(toUtf8(TOKEN)), bucket: 4, refillMs: 60_000 },
]

interface Signed {
  readonly id: string
  readonly ctr: number
  readonly record: Uint8Array
  readonly body: Uint8Array
}

/** Signed once for all executions. */
const writes = new Map<string, Signed>()

function signed(from: Choices): Signed {
  const who = from.below(2)
  const ctr = from.pick(COUNTERS) + (from.rarely(4) ? from.below(4) : 0)
  const capped = Math.min(ctr, 2 ** 53 - 1)
  const fill = from.below(3)
  const name = `${who} ${capped} ${fill}`
  const known = writes.get(name)
  if (known !== undefined) return known
  const record = new Uint8Array(RECORD_BYTES).fill(fill)
  const body = encodePut(at(SECRETS, who), { ctr: capped, record })
  const write = { id: at(IDS, who), ctr: capped, record, body }
  writes.set(name, write)
  return write
}

interface Held {
  readonly ctr: number
  readonly record: Uint8Array
  readonly writtenMs: number
}

class Endpoint {
  readonly policy: WritePolicy
  readonly fallback
  readonly app
  readonly held = new Map<string, Held>()
  nowMs = START

  constructor(policy: WritePolicy) {
    this.policy = policy
    this.fallback = openFallback({ path: ':memory:', policy, nowMs: () => this.nowMs })
    this.app = this.fallback.app
  }

  async ask(path: string, init: RequestInit): Promise<Response> {
    const response = await this.app.request(path, init)
    must(STATUSES.includes(response.status), `answers with ${response.status}`)
    must(response.headers.get('access-control-allow-origin') === '*', 'any page may read')
    return response
  }

  current(id: string): Held | null {
    const held = this.held.get(id)
    if (held === undefined || held.writtenMs <= this.nowMs - RECORD_EXPIRY_MS) return null
    return held
  }

  /** A write takes away for good what has expired by then, also if the clock goes back later. */
  expire(): void {
    for (const id of this.held.keys()) if (this.current(id) === null) this.held.delete(id)
  }

  async write(from: Choices): Promise<void> {
    const { id, ctr, record, body } = signed(from)
    const spoilt = from.rarely(4)
    const longer = spoilt && from.below(2) === 0
    const sent = Uint8Array.from(longer ? concat(body, from.bytes(1 + from.below(300))) : body)
    const place = from.below(65_536) % sent.length
    if (spoilt && !longer) sent[place] = (sent[place] ?? 0) ^ (1 << from.below(8))
    const to = from.rarely(8) ? at(IDS, 1 - IDS.indexOf(id)) : id
    const right = !from.rarely(4)
    const authorization = right ? `Bearer ${TOKEN}` : `Bearer ${from.below(9)}`
    const headers = { authorization }
    const response = await this.ask(`/v1/records/${to}`, { method: 'PUT', body: sent, headers })
    const reaches = !spoilt && to === id && (this.policy.kind === 'token' || id === IDS[0])
    if (reaches) this.expire()
    const held = this.current(id)
    const may = this.policy.kind === 'own' || right || held !== null
    const valid = reaches && may && ctr > (held?.ctr ?? -1)
    const reachable = ctr <= Math.max(held?.ctr ?? 0, this.nowMs) + COUNTER_SLACK
    if (response.status === 204) {
      must(valid && reachable, 'stores only what is signed, newer and allowed')
      this.held.set(id, { ctr, record, writtenMs: this.nowMs })
    } else {
      const limited = this.policy.kind === 'token' && response.status === 429
      must(!valid || !reachable || limited, 'refuses nothing that is right')
    }
  }

  async read(from: Choices): Promise<void> {
    const id = from.pick(IDS)
    const held = this.current(id)
    const response = await this.ask(`/v1/records/${id}`, {})
    must(response.status === (held === null ? 404 : 200), 'answers what it holds')
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (held !== null) mustEqual(bytes, held.record, 'gives the last record back')
  }

  async junk(from: Choices): Promise<void> {
    const text = Buffer.from(from.bytes(from.below(80))).toString('latin1')
    const path = from.pick(['/v1/records/', '/v1/', '/'])
    const method = from.pick(['GET', 'PUT', 'POST', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH'])
    const body = method === 'GET' || method === 'HEAD' ? null : from.bytes(from.below(300))
    const headers = {
      'content-length': String(from.pick([0, 6248, 'x', -1])),
      'if-none-match': '*',
    }
    // Through a URL, as a server gets it; what no URL can hold cannot be sent.
    const url = URL.parse(`http://host${path}${text}`)
    if (url === null) return
    const response = await this.ask(url.pathname + url.search, { method, body, headers })
    must(response.status !== 204 || method === 'OPTIONS', 'junk stores nothing')
  }
}

export const endpoint: Target = {
  name: 'endpoint',
  maxBytes: 400,
  async run(input) {
    const from = new Choices(input)
    const subject = new Endpoint(from.pick(POLICIES))
    try {
      for (let steps = 0; from.more && steps < 40; steps++) {
        const kind = from.below(8)
        if (kind < 4) await subject.write(from)
        else if (kind < 6) await subject.read(from)
        else if (kind === 6) await subject.junk(from)
        else subject.nowMs += from.pick([1, 60_000, 86_400_000, RECORD_EXPIRY_MS, -60_000])
      }
    } finally {
      subject.fallback.close()
    }
  },
}
