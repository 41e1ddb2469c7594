// The stores of one start (SPEC §3.3): the embedded endpoint, a file in the data folder, and what --store names.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { embedFallback, type Fallback } from '../fallback-worker/node.ts'
import { toHex, Writer } from '../shared/bytes.ts'
import { MAX_LOCATOR_ENTRIES } from '../shared/constants.ts'
import { LOCATOR_FLAG, type Locator, type LocatorEntry, writeLocator } from '../shared/locator.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { storageId } from '../shared/put.ts'
import { type Burnt, burntIds, megaFileOf, republish } from './burn.ts'
import type { StartOptions } from './config.ts'
import { MegaStore, megaFileName } from './mega.ts'
import type { MegaAccount } from './megaaccount.ts'
import type { HostState } from './state.ts'
import { fileStore, httpsStore, type Store } from './stores.ts'
import { turnEntry } from './turn.ts'
import { UsageError } from './usage.ts'

export interface StoreList {
  readonly fallback: Fallback['app']
  readonly mailbox: Fallback['mailbox']
  readonly mega: MegaStore | null
  /** endpoints of others, without trailing slash */
  readonly urls: readonly string[]
  /** all that the record is put to */
  readonly all: readonly Store[]
}

export function openStores(
  options: StartOptions,
  state: HostState,
  input: {
    readonly megaAccount: MegaAccount | null
    readonly now: () => number
    /** MEGA has its file now: there is one more place to name */
    readonly onAnchor: () => void
  },
  closers: (() => unknown)[],
): StoreList {
  const { dir, keys, burnt } = state
  const { now, onAnchor } = input
  const fallback = embedFallback({
    path: join(dir, 'records.db'),
    ownIds: () => new Set([toHex(keys.storageId), ...burntIds(burnt)]),
    nowMs: now,
  })
  closers.push(() => fallback.close())
  const mega = options.stores.some(({ kind }) => kind === 'mega')
    ? new MegaStore({
        gateway: options.megaApi,
        dir,
        anchorName: megaFileName(keys.storageId),
        account: input.megaAccount,
        now,
        onAnchor,
      })
    : null
  closers.push(() => mega?.stop())
  const made = makeStores(options, fallback.app, keys.writeSecret, dir)
  return {
    fallback: fallback.app,
    mailbox: fallback.mailbox,
    mega,
    urls: options.stores.flatMap((store) => (store.kind === 'https' ? [store.url] : [])),
    all: mega === null ? made : [...made, mega],
  }
}

function makeStores(
  options: StartOptions,
  embedded: Fallback['app'],
  writeSecret: Uint8Array,
  dir: string,
): Store[] {
  // The name is never looked up.
  const own = { name: 'embedded', url: 'http://embedded.invalid', writeSecret }
  const stores: Store[] = [
    httpsStore({ ...own, request: async (url, init) => embedded.request(url, init) }),
    fileStore(join(dir, 'record.bin')),
  ]
  options.stores.forEach((store, i) => {
    if (store.kind === 'mega') return
    const made =
      store.kind === 'file'
        ? { ...fileStore(store.path), name: `file-${i + 1}` }
        : httpsStore({ ...store, name: store.name ?? `https-${i + 1}`, writeSecret })
    stores.push(made)
  })
  return stores
}

/** Where readers find the record: the host's own endpoints at `ownUrls`, those of others, MEGA once it has its file. */
export const locatorOf = (
  id: Uint8Array,
  ownUrls: readonly string[],
  { urls, mega }: StoreList,
): Locator => [
  ...[...ownUrls, ...urls].map((url) => ({
    type: 'https' as const,
    flags: LOCATOR_FLAG.record | LOCATOR_FLAG.mailbox | LOCATOR_FLAG.relay,
    id,
    url,
  })),
  ...(mega?.entry ? [mega.entry] : []),
]

/** What a record names beside its stores; `notAfterMs`: of that record. */
export const serversOf = (
  { stun, turn }: Pick<StartOptions, 'stun' | 'turn'>,
  notAfterMs: number,
): Locator => [
  ...stun.map((server) => ({ type: 'stun' as const, flags: 0, server })),
  ...(turn === null ? [] : [turnEntry(turn, notAfterMs)]),
]

/** Beside a full schedule and all addresses (SPEC §2.1). */
const LOCATOR_ROOM_BYTES = 1293
const MEGA_TO_COME: LocatorEntry = {
  ...{ type: 'mega', flags: 0, handle: '--------', key: new Uint8Array(32) },
}

/** Throws UsageError if a record could not hold all of it, with the file at MEGA that may still have to be made. */
export function checkRoom(locator: Locator, mega: MegaStore | null): void {
  const whole = mega !== null && mega.entry === null ? [...locator, MEGA_TO_COME] : locator
  const writer = new Writer()
  const fits = whole.length <= MAX_LOCATOR_ENTRIES
  if (fits) writeLocator(writer, whole)
  if (fits && writer.done().length <= LOCATOR_ROOM_BYTES) return
  throw new UsageError(
    'store, stun and turn name more than a record has room for: 8 entries, 1293 bytes.',
    'Name fewer, or shorter addresses; the own endpoints and the worker count too.',
  )
}

/** Keeps what this folder has burnt in the endpoints `urls` and in its old file at MEGA (SPEC §3.5). */
export function republishBurnt(
  state: HostState,
  urls: readonly string[],
  megaGateway: string,
  now: () => number,
  closers: (() => unknown)[],
): void {
  for (const burnt of state.burnt) {
    const { writeSecret } = burnt
    const stores: Store[] = urls.map((url, i) =>
      httpsStore({ name: `burnt-${i}`, url, writeSecret }),
    )
    const mega = burntMega(state.dir, burnt, megaGateway, now)
    if (mega !== null) {
      stores.push(mega)
      closers.push(() => mega.stop())
    }
    closers.push(republish({ burnt, stores, now }))
  }
}

/** As long as its session lasts: nobody signs in for an identity that is over. */
function burntMega(
  dir: string,
  burnt: Burnt,
  gateway: string,
  now: () => number,
): MegaStore | null {
  const file = megaFileOf(burnt)
  const anchorName = megaFileName(storageId(ed25519PublicKey(burnt.writeSecret)))
  const mega = new MegaStore({ gateway, dir, file, anchorName, account: null, now })
  if (mega.entry !== null) return mega
  // It never had its file, and may hold the key to the account.
  rmSync(join(dir, file), { force: true })
  return null
}
