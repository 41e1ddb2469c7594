// Starts a host: opens what it stands on, wires it, and reports `ready`. What happens is decided elsewhere.
import { randomBytes } from 'node:crypto'
import { MEGA_GATEWAY } from '../shared/mega.ts'
import { OwnAddresses } from './addresses.ts'
import { runControl } from './commands.ts'
import type { HostEvent, StartOptions } from './config.ts'
import { controlPath, serveControl } from './control.ts'
import { Host } from './host.ts'
import { ownerInvite } from './invites.ts'
import type { Passphrase } from './keyfile.ts'
import { type Doors, openDoors, originMoved } from './listen.ts'
import type { MegaAccount } from './megaaccount.ts'
import { useSystemNetwork } from './network.ts'
import { checkPage, PAGE_DIR } from './page.ts'
import { isPublishPending } from './revocation.ts'
import { type HostState, openState, refuseCopy } from './state.ts'
import { checkRoom, openStores, republishBurnt, type StoreList } from './storelist.ts'
import { atMost } from './wake.ts'
import { withWorker } from './worker.ts'

/** A record is good for a day; a host that changes nothing renews it long before. */
const REPUBLISH_MS = 6 * 3_600_000
/** How long a first start waits for the file at MEGA, so that the first link can name it. */
const ANCHOR_WAIT_MS = 60_000

export interface RunningHost {
  /** `burnt`: the folder has another identity now, and waits for its host to start */
  readonly stopped: Promise<'stopped' | 'burnt'>
  /** idempotent */
  stop(): Promise<void>
}

interface Start {
  readonly given: StartOptions
  readonly report: (event: HostEvent) => void
  readonly megaAccount: MegaAccount | null
  readonly passphrase: Passphrase
  readonly signal: AbortSignal
  readonly closers: (() => unknown)[]
  readonly closeAll: () => Promise<void>
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/**
 * Starts a host; resolves after `ready` was reported, or once it has stopped again because `signal` asked for it before.
 * Throws ClawError for everything that prevents it.
 */
export async function runHost(
  options: StartOptions,
  report: (event: HostEvent) => void,
  megaAccount: MegaAccount | null = null,
  signal: AbortSignal = new AbortController().signal,
  passphrase: Passphrase = null,
): Promise<RunningHost> {
  // Whatever is made from here on belongs to the owner alone, SQLite's own files included.
  process.umask(0o077)
  const closers: (() => unknown)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    return await start({
      given: options,
      report,
      megaAccount,
      passphrase,
      signal,
      closers,
      closeAll,
    })
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function start(input: Start): Promise<RunningHost> {
  const { given, report, closers, closeAll } = input
  const now = (): number => Date.now() + given.clockOffsetMs
  const state = await openState(given.dataDir, random, now(), closers, input.passphrase)
  // A crash came in between: what the burn began is ended now.
  if (state.over) {
    await closeAll()
    return start(input)
  }
  const options = withWorker(given, state.dir)
  if (goesOut(options) && !useSystemNetwork()) report({ event: 'warning', code: 'proxy-ignored' })
  refuseCopy(state.settings, options.takeOver)
  state.members.expire(now())
  if (options.name !== null) state.settings.set('name', options.name)
  const host = await wire(input, options, state, now)
  await host.epochs.start()
  await askStores(host, input.signal)
  if (input.signal.aborted) {
    await host.stop()
    return host
  }
  host.open()
  const invite = await firstLink(host)
  keepCurrent(host)
  await serve(host)
  announce(host, invite)
  return host
}

/** Whether MEGA has its file, and what the stores hold; whoever wants the host to stop does not wait for them. */
async function askStores({ input, publisher }: Host, signal: AbortSignal): Promise<void> {
  const stopping = new Promise<void>((done) => {
    if (signal.aborted) done()
    signal.addEventListener('abort', () => done(), { once: true })
  })
  const { mega } = input.stores
  if (mega !== null && mega.entry === null) {
    await atMost(ANCHOR_WAIT_MS, Promise.race([mega.prepare(), stopping]))
  }
  await Promise.race([publisher.learn(), stopping])
}

async function wire(
  { given, report, megaAccount, closers, closeAll }: Start,
  options: StartOptions,
  state: HostState,
  now: () => number,
): Promise<Host> {
  let host: Host | null = null
  const onAnchor = (): void => host?.changed()
  const stores = openStores(options, state, { megaAccount, now, onAnchor }, closers)
  const doors = await openPage(given, options, state, stores, closers)
  const addresses = await OwnAddresses.open(options)
  host = new Host({
    options,
    state,
    stores,
    doors,
    addresses,
    random,
    now,
    report,
    closers,
    closeAll,
  })
  host.plan()
  checkRoom(host.recordLocator(), stores.mega)
  if (addresses.list.length === 0) report({ event: 'warning', code: 'no-address' })
  return host
}

function openPage(
  given: StartOptions,
  options: StartOptions,
  state: HostState,
  { urls, mega, fallback, mailbox }: StoreList,
  closers: (() => unknown)[],
): Promise<Doors> {
  const input = {
    pageDir: PAGE_DIR,
    stores: () => urls,
    ...(mega && { mega: { gateway: options.megaApi, own: options.megaApi === MEGA_GATEWAY } }),
    hostNames: given.pageUrl === null ? [] : [new URL(given.pageUrl).host],
    fallback,
    mailbox,
  }
  return openDoors(options, state.settings, input, closers)
}

/** A link for the owner, where one is needed; the first record is out when this resolves. */
async function firstLink(host: Host): Promise<string | null> {
  const { state, report } = host.input
  const { settings, members } = state
  const moved = originMoved(settings, host.plan().pages)
  if (moved) report({ event: 'warning', code: 'origin-changed' })
  const invite = moved || !members.hasOwnerDevice() ? await ownerInvite(host.invites) : null
  // Also after a crash right behind a revocation: its record goes out before anything else can happen.
  if (invite === null || isPublishPending(settings)) await host.credentialsChanged()
  return invite
}

/** The record follows this machine's addresses, and is renewed. */
function keepCurrent(host: Host): void {
  const { addresses, closers } = host.input
  const unwatch = addresses.watch(() => host.networkChanged())
  const renewal = setInterval(() => void host.publisher.publish(), REPUBLISH_MS)
  closers.push(() => {
    unwatch()
    clearInterval(renewal)
  })
}

async function serve(host: Host): Promise<void> {
  const { options, state, doors, stores, now, closers } = host.input
  const urls = [...doors.urls.slice(0, 1), ...stores.urls]
  republishBurnt(state, urls, options.megaApi, now, closers)
  const control = await serveControl(controlPath(state.dir), (command, args) =>
    runControl(host, command, args),
  )
  closers.push(() => control.close())
}

function announce(host: Host, invite: string | null): void {
  const { state, options, report } = host.input
  const { port, epoch } = host.epochs.current
  const { url: page, pages } = host.plan()
  const { identity } = state.keys
  report({ event: 'ready', page, pages, invite, identity, port, epoch, dataDir: state.dir })
  if (options.pageUrl === null) return
  void checkPage(options.pageUrl).then((code) => {
    if (code !== null && !host.isStopping) report({ event: 'warning', code })
  })
}

const goesOut = ({ stores, pageUrl }: StartOptions): boolean =>
  pageUrl !== null || stores.some(({ kind }) => kind !== 'file')
