// What the MEGA tests stand on: for each test an emulator, a data folder, and hosts on it under a clock of the test's own,
// so that hours of waiting pass at once.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type MegaInput, MegaStore } from '../../host/mega.ts'
import type { MegaAccount } from '../../host/megaaccount.ts'
import { NO_SIGN_INS, signedIn } from '../../host/megapolicy.ts'
import { NO_SESSION, writeMegaSession } from '../../host/megasession.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import { MegaEmulator } from '../emulators/mega.ts'

export const EMAIL = 'ada@example.org'
export const PASSWORD = 'correct horse é'
export const HOUR = 3_600_000

export const account = (given: Partial<MegaAccount> = {}): MegaAccount => ({
  email: EMAIL,
  password: PASSWORD,
  code: null,
  ...given,
})
export const record = (fill: number): Uint8Array => new Uint8Array(RECORD_BYTES).fill(fill)

/** The code of a failure, `none` without one; whatever is no ClawError shows itself. */
export const codeOf = (result: Promise<unknown>): Promise<string> =>
  result.then(
    () => 'none',
    (error: unknown) => (error instanceof ClawError ? error.code : `other: ${error}`),
  )

class MegaBench {
  nowMs = 0
  dir = ''
  #emulator: MegaEmulator | null = null
  readonly #stores: MegaStore[] = []

  async open(): Promise<void> {
    this.nowMs = 1_800_000_000_000
    this.dir = mkdtempSync(join(tmpdir(), 'clawchat-mega-'))
    this.#emulator = await MegaEmulator.start()
  }

  get emulator(): MegaEmulator {
    if (this.#emulator === null) throw new Error('no test is running')
    return this.#emulator
  }

  /** A host on this folder; another call is the next start of it. */
  host(input: Partial<MegaInput> = {}): MegaStore {
    const store = new MegaStore({
      gateway: this.emulator.url,
      dir: this.dir,
      anchorName: 'clawchat-anchor',
      account: account(),
      now: () => this.nowMs,
      ...input,
      times: { readBackMs: [0, 1, 1], ...input.times },
    })
    this.#stores.push(store)
    return store
  }

  /** One that gives up soon, for gateways that hang. Signing in is no part of it. */
  impatient(): MegaStore {
    return this.host({ account: null, times: { requestMs: 2000 } })
  }

  /** A host with its anchor. */
  async signedIn(): Promise<MegaStore> {
    this.emulator.account({ email: EMAIL, password: PASSWORD })
    const store = this.host()
    await store.prepare()
    return store
  }

  /** A host that signed in at an earlier start; cheaper than {@link signedIn}, for tests of what follows. */
  anchored(): MegaStore {
    const real = this.emulator.account({ email: EMAIL, password: PASSWORD })
    writeMegaSession(this.dir, this.emulator.url, {
      ...NO_SESSION,
      ...this.emulator.anchored(real, 'clawchat-anchor'),
      signIns: signedIn(NO_SIGN_INS, this.nowMs),
    })
    return this.host()
  }

  /** What the host keeps, as text. */
  kept(): string {
    return readFileSync(join(this.dir, 'mega.json'), 'utf8')
  }

  async close(): Promise<void> {
    for (const store of this.#stores.splice(0)) store.stop()
    await this.emulator.close()
    rmSync(this.dir, { recursive: true })
  }
}

/** A new bench for each test of the file. */
export function megaBench(): MegaBench {
  const bench = new MegaBench()
  beforeEach(() => bench.open())
  afterEach(() => bench.close())
  return bench
}
