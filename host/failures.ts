// Who failed how often lately (SPEC §4.1): a bucket of failures for each source, over time that comes in.
import { toHex } from '../shared/bytes.ts'
import { parseIp } from './addresses.ts'
import { LIMIT } from './limits.ts'

const MAX_BUCKETS = 10_000

/** /32 of IPv4, /56 of IPv6. */
export function sourceOf(address: string): string {
  const ip = parseIp(address.split('%')[0] ?? '')
  return toHex(ip.length === 4 ? ip : ip.slice(0, 7))
}

export class Failures {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()

  /** Whether this address is listened to now. `nowMs` never goes back. */
  allow(address: string, nowMs: number): boolean {
    const source = sourceOf(address)
    const bucket = this.#buckets.get(source)
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear()
      this.#buckets.set(source, { tokens: LIMIT.failureBurst, atMs: nowMs })
      return true
    }
    const gained = (Math.max(0, nowMs - bucket.atMs) / 1000) * LIMIT.failuresPerSecond
    bucket.tokens = Math.min(LIMIT.failureBurst, bucket.tokens + gained)
    bucket.atMs = nowMs
    return bucket.tokens >= 1
  }

  /** It failed. */
  note(address: string): void {
    const bucket = this.#buckets.get(sourceOf(address))
    if (bucket !== undefined) bucket.tokens -= 1
  }
}
