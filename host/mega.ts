// The store at MEGA (SPEC §3.3.1): one file, linked publicly once; each publish replaces its attributes.
import { setTimeout as delay } from 'node:timers/promises'
import { API } from 'megajs'
import { equal, fromBase64Url, toHex } from '../shared/bytes.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { LOCATOR_FLAG, type LocatorEntry } from '../shared/locator.ts'
import { attributesOf, encodeAttributes } from '../shared/mega.ts'
import type { MegaAccount } from './megaaccount.ts'
import { megaFetch } from './megafetch.ts'
import { runSignIn, SIGN_IN_DEADLINE_MS } from './megalogin.ts'
import { isFinal, pauseMs, signedIn, signInDueMs, tried } from './megapolicy.ts'
import {
  type Anchor,
  checkAnchor,
  type MegaSession,
  readMegaSession,
  refusalOf,
  refusedNow,
  writeMegaSession,
} from './megasession.ts'
import type { Store } from './stores.ts'

export interface MegaInput {
  /** base URL of the API, without trailing slash */
  readonly gateway: string
  /** the data folder, for `mega.json` */
  readonly dir: string
  /** instead of `mega.json` */
  readonly file?: string
  /** of the anchor file, unique for this host */
  readonly anchorName: string
  readonly account: MegaAccount | null
  readonly now: () => number
  /** the anchor was just made or found: the locator has a new entry */
  readonly onAnchor?: () => void
  readonly times?: Partial<MegaTimes>
}

/** The anchor of the host with this storage id (32 bytes): people see it among their files. */
export const megaFileName = (id: Uint8Array): string =>
  `clawchat-do-not-delete-${toHex(id).slice(0, 8)}`

export interface MegaTimes {
  /** of one request */
  readonly requestMs: number
  /** of one command with its proofs of work: only where megajs itself would wait for ever */
  readonly commandMs: number
  readonly signInMs: number
  /** waits before each reading back: what MEGA gives may lag behind what it took */
  readonly readBackMs: readonly number[]
}

const TIMES: MegaTimes = {
  requestMs: 15_000,
  commandMs: SIGN_IN_DEADLINE_MS,
  signInMs: SIGN_IN_DEADLINE_MS,
  readBackMs: [0, 1000, 3000],
}

/** What megajs declares is the type of the browser's JSON object. */
interface Commands {
  sid?: string
  request(command: object): Promise<unknown>
}

export class MegaStore implements Store {
  readonly name = 'mega'
  readonly linked = true
  readonly #input: MegaInput
  readonly #times: MegaTimes
  readonly #end = new AbortController()
  #session: MegaSession
  /** a code of the second factor works once */
  #codeUsed = false
  #pause: { readonly code: ClawErrorCode; readonly untilMs: number } | null = null
  #preparing: Promise<void> | null = null

  constructor(input: MegaInput) {
    this.#input = input
    this.#times = { ...TIMES, ...input.times }
    this.#session = readMegaSession(input.dir, input.gateway, input.file)
  }

  /** Where readers find the record; null until the anchor is made. */
  get entry(): Extract<LocatorEntry, { type: 'mega' }> | null {
    const { anchor } = this.#session
    if (anchor === null) return null
    const { handle, fileKey } = anchor
    return { type: 'mega', flags: LOCATOR_FLAG.record, handle, key: fromBase64Url(fileKey) }
  }

  /** When the present session began, and null without one. */
  get signedInMs(): number | null {
    return this.#session.sid === null ? null : this.#session.signIns.signedInMs
  }

  /** Signs in and makes the anchor, as far as that is still to be done. Throws as {@link put}. */
  prepare(): Promise<void> {
    return this.#guarded(() => this.#ready())
  }

  /** Three requests. Throws ClawError: `mega-…`, `store-unreachable`, `store-refused`. */
  put(_seq: number, record: Uint8Array): Promise<void> {
    return this.#guarded(async () => {
      await this.write(record)
      await this.#readBack(record)
    })
  }

  /** One request, without the session: what a reader sees. Throws as {@link put}. */
  get(): Promise<Uint8Array | null> {
    return this.#guarded(async () => {
      if (this.#session.anchor === null) await this.#ready()
      return this.#read()
    })
  }

  /** Ends whatever is under way. */
  stop(): void {
    this.#end.abort()
  }

  /** The bare update, without reading back. `filler`: further characters, for `doctor`. */
  async write(record: Uint8Array | null, filler = ''): Promise<void> {
    await this.#ready()
    try {
      await this.#update(record, filler)
    } catch (error) {
      if (codeOf(error) !== 'mega-session') throw error
      this.#keep({ sid: null, unlock: null })
      await this.#ready()
      await this.#update(record, filler)
    }
  }

  async #update(record: Uint8Array | null, filler: string): Promise<void> {
    const { sid } = this.#session
    const { node, fileKey } = this.#anchor()
    const name = this.#input.anchorName
    const at = encodeAttributes(fromBase64Url(fileKey), { name, record }, filler)
    await this.#ask({ a: 'a', n: node, at }, sid)
  }

  async #read(): Promise<Uint8Array | null> {
    const { handle, fileKey } = this.#anchor()
    const value = await this.#ask({ a: 'g', p: handle }, null)
    try {
      return attributesOf(fromBase64Url(fileKey), value).record
    } catch {
      throw new ClawError('store-refused')
    }
  }

  async #readBack(record: Uint8Array): Promise<void> {
    for (const waitMs of this.#times.readBackMs) {
      // Ended by `stop`, and then by the next request.
      await delay(waitMs, null, { signal: this.#end.signal }).catch(() => undefined)
      const held = await this.#read()
      if (held !== null && equal(held, record)) return
    }
    throw new ClawError('store-unreachable')
  }

  #anchor(): Anchor {
    if (this.#session.anchor === null) throw new Error('bug: no anchor')
    return this.#session.anchor
  }

  /** One command of MEGA's API by megajs, which answers its proofs of work. */
  async #ask(command: object, sid: string | null): Promise<unknown> {
    const { gateway } = this.#input
    const { signal } = this.#end
    const wire = { gateway, timeoutMs: this.#times.requestMs, retryBusy: false, signal }
    const options = { gateway: `${gateway}/`, fetch: megaFetch(wire) as typeof fetch }
    const api = new API(false, { ...options, userAgent: null }) as unknown as Commands
    if (sid !== null) api.sid = sid
    try {
      return await within(this.#times.commandMs, api.request(command))
    } catch (error) {
      // An error of megajs's own: it gave up on proofs of work, or on what it was told.
      throw error instanceof ClawError ? error : new ClawError('store-unreachable')
    }
  }

  /** One at a time, however many ask. */
  #ready(): Promise<void> {
    this.#preparing ??= this.#signIn().finally(() => {
      this.#preparing = null
    })
    return this.#preparing
  }

  async #signIn(): Promise<void> {
    const { sid, unlock, anchor } = this.#session
    if (sid !== null && (anchor !== null || unlock !== null)) {
      if (anchor === null) await this.#goOn(sid)
      return
    }
    const account = this.#mayTry()
    const nowMs = this.#input.now()
    const before = this.#session.signIns
    this.#keep({ signIns: tried(before, nowMs), sid: null, unlock: null, refused: null })
    try {
      await this.#work(account, null, () => signedIn(before, nowMs))
      this.#codeUsed = true
    } catch (error) {
      const code = codeOf(error)
      this.#codeUsed = code !== 'store-unreachable'
      if (isFinal(code)) this.#keep({ refused: refusedNow(account, code, nowMs) })
      throw error
    }
  }

  /** A session without anchor: an earlier start was ended in between. */
  async #goOn(sid: string): Promise<void> {
    const { unlock } = this.#session
    if (unlock === null) throw new Error('bug: no key')
    try {
      await this.#work(null, { sid, unlock }, () => this.#session.signIns)
    } catch (error) {
      if (codeOf(error) === 'mega-session') this.#keep({ sid: null, unlock: null })
      throw error
    }
  }

  /** The account to sign in with now. Throws ClawError: `mega-account`, `mega-session` (too early), or an old refusal. */
  #mayTry(): MegaAccount {
    const { account } = this.#input
    const { signIns, refused } = this.#session
    const nowMs = this.#input.now()
    if (account === null) throw new ClawError('mega-account')
    if (account.code !== null && this.#codeUsed) throw new ClawError('mega-2fa')
    const refusal = refusalOf(refused, account, nowMs)
    if (refusal !== null) throw new ClawError(refusal)
    // Other words than the refused ones are tried at once: a person has just mended them.
    if (refused === null && signInDueMs(signIns, nowMs) > nowMs) {
      throw new ClawError(signIns.failures > 0 ? 'store-unreachable' : 'mega-session')
    }
    return account
  }

  async #work(
    account: MegaAccount | null,
    session: { sid: string; unlock: NonNullable<MegaSession['unlock']> } | null,
    signIns: () => MegaSession['signIns'],
  ): Promise<void> {
    const { gateway, anchorName, onAnchor } = this.#input
    const anchorKnown = this.#session.anchor !== null
    await runSignIn({
      work: {
        gateway,
        account,
        session,
        anchorName: anchorKnown ? null : anchorName,
        timeoutMs: this.#times.requestMs,
      },
      deadlineMs: this.#times.signInMs,
      signal: this.#end.signal,
      onNews: (news) => {
        if (news.type === 'session') {
          // The master key goes as soon as it is not needed.
          const unlock = anchorKnown ? null : news.unlock
          this.#keep({ sid: news.sid, unlock, signIns: signIns(), refused: null })
        } else {
          checkAnchor(news.anchor)
          this.#keep({ anchor: news.anchor, unlock: null })
        }
      },
    })
    if (!anchorKnown) onAnchor?.()
  }

  #keep(part: Partial<MegaSession>): void {
    this.#session = { ...this.#session, ...part }
    const { dir, gateway, file } = this.#input
    writeMegaSession(dir, gateway, this.#session, file)
  }

  /** While MEGA is to be left alone nothing is sent, and the reason is given again. */
  async #guarded<T>(run: () => Promise<T>): Promise<T> {
    const nowMs = this.#input.now()
    if (this.#end.signal.aborted) throw new ClawError('store-unreachable')
    if (this.#pause !== null && nowMs < this.#pause.untilMs) throw new ClawError(this.#pause.code)
    try {
      const result = await run()
      this.#pause = null
      return result
    } catch (error) {
      const code = codeOf(error)
      if (pauseMs(code) > 0) this.#pause = { code, untilMs: this.#input.now() + pauseMs(code) }
      throw error
    }
  }
}

const codeOf = (error: unknown): ClawErrorCode =>
  error instanceof ClawError ? error.code : 'internal'

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new ClawError('store-unreachable')), ms)
    promise.then(done, fail).finally(() => clearTimeout(timer))
  })
}
