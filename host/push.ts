// Tells devices that are away that something waits, through their browsers' push services (SPEC §7.8). When, is decided in
// pushing.ts; what goes over the wire is webpush.ts's and pushservice.ts's. Nothing of the chat is told to anybody.
import type { ECDH } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import type { PushSubscription } from '../shared/push.ts'
import type { Settings } from './database.ts'
import type { HubWatcher } from './hub.ts'
import { type PushingInput, type PushingState, stepPushing } from './pushing.ts'
import { isPushEndpoint, type PushOutcome, postPush } from './pushservice.ts'
import { Wake } from './wake.ts'
import { isPushKey, pushPair, sealPush, vapidHeader } from './webpush.ts'

/** setting: the secret of the VAPID pair, 32 bytes, base64url; wiped by a burn */
const VAPID = 'vapid'
/** It says that there is something, and no more. */
const NEWS = Uint8Array.of(1)
const PADDING = 127

const SQL = {
  put: 'INSERT OR REPLACE INTO pushes (device, endpoint, p256dh, auth) VALUES (?, ?, ?, ?)',
  drop: 'DELETE FROM pushes WHERE device = ?',
  dropEndpoint: 'DELETE FROM pushes WHERE device = ? AND endpoint = ?',
  get: 'SELECT endpoint, p256dh, auth FROM pushes WHERE device = ?',
  // A message that comes again, because it has changed, keeps its time.
  newest: `SELECT m.atMs FROM outgoing o JOIN messages m ON m.room = o.room AND m.seq = o.seq
    JOIN devices d ON d.id = o.device
    WHERE o.device = ? AND m.author <> d.member AND m.deleted = 0 ORDER BY o.number DESC LIMIT 1`,
} as const

export interface PushInput {
  readonly database: DatabaseSync
  readonly settings: Settings
  readonly random: RandomBytes
  readonly now: () => number
  readonly clockOffsetMs: number
  readonly isHere: (device: string) => boolean
  /** HOST or HOST:PORT of further services */
  readonly services: readonly string[]
  /** the page's https address, for who runs the service; or null */
  readonly contact: string | null
}

export class Push implements HubWatcher {
  readonly #input: PushInput
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>
  readonly #wake: Wake
  #state: PushingState = new Map()
  /** by device: the time of the newest message that it was told of */
  readonly #told = new Map<string, number>()

  constructor(input: PushInput) {
    this.#input = input
    const entries = Object.entries(SQL).map(([name, sql]) => [name, input.database.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
    this.#wake = new Wake(() => this.#feed({ type: 'fired' }), input.clockOffsetMs)
  }

  stop(): void {
    this.#wake.stop()
  }

  /** The public key of this host, 65 bytes. */
  key(): Uint8Array {
    return new Uint8Array(this.#vapid().getPublicKey())
  }

  /** Throws ClawError('push-refused'). */
  put(device: string, { endpoint, p256dh, auth }: PushSubscription): void {
    if (!isPushEndpoint(endpoint, this.#input.services) || !isPushKey(p256dh))
      throw new ClawError('push-refused')
    this.#sql.put.run(device, endpoint, p256dh, auth)
  }

  drop(device: string): void {
    this.#sql.drop.run(device)
  }

  woken(devices: readonly string[]): void {
    const away = devices.filter(
      (device) =>
        !this.#input.isHere(device) && this.#find(device) !== null && this.#hasNews(device),
    )
    if (away.length > 0) this.#feed({ type: 'news', devices: away })
  }

  entered(device: string): void {
    this.#told.delete(device)
    this.#feed({ type: 'here', device })
  }

  /** What was on its way when the device went is news too. */
  left(device: string): void {
    this.woken([device])
  }

  #feed(input: PushingInput): void {
    const { state, due, wakeAt } = stepPushing(this.#state, input, this.#input.now())
    this.#state = state
    this.#wake.at(wakeAt)
    for (const device of due) void this.#send(device)
  }

  #hasNews(device: string): boolean {
    return this.#newest(device) > (this.#told.get(device) ?? 0)
  }

  #newest(device: string): number {
    return Number(this.#sql.newest.get(device)?.atMs ?? 0)
  }

  #find(device: string): PushSubscription | null {
    const row = this.#sql.get.get(device)
    if (row === undefined) return null
    const { endpoint, p256dh, auth } = row as unknown as PushSubscription
    return { endpoint, p256dh, auth }
  }

  async #send(device: string): Promise<void> {
    const push = this.#find(device)
    // Deleted meanwhile.
    if (push === null || !this.#hasNews(device)) return
    this.#told.set(device, this.#newest(device))
    const outcome = await this.#post(push)
    // Meanwhile the device may have left another one.
    if (outcome === 'gone') this.#sql.dropEndpoint.run(device, push.endpoint)
  }

  #post(push: PushSubscription): Promise<PushOutcome> {
    const { random, now, contact } = this.#input
    const body = sealPush(NEWS, push, { pair: pushPair(), salt: random(16), padding: PADDING })
    const { origin } = new URL(push.endpoint)
    const authorization = vapidHeader(this.#vapid(), origin, now(), contact)
    return postPush(push.endpoint, authorization, Uint8Array.from(body))
  }

  #vapid(): ECDH {
    const { settings } = this.#input
    const kept = settings.get(VAPID)
    if (kept !== null) return pushPair(new Uint8Array(Buffer.from(kept, 'base64url')))
    const pair = pushPair()
    settings.set(VAPID, pair.getPrivateKey().toString('base64url'))
    return pair
  }
}
