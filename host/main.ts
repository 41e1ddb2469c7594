// Wires the host: data folder, sockets, stores, page, rotation and commands. What happens is decided elsewhere.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { embedFallback, type Fallback } from '../fallback-worker/node.ts'
import { toHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { sha256 } from '../shared/hash.ts'
import { hostTag } from '../shared/knock.ts'
import { LOCATOR_FLAG, type Locator } from '../shared/locator.ts'
import { MEGA_GATEWAY } from '../shared/mega.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { storageId } from '../shared/put.ts'
import { defaultRouteAddress, hostAddresses } from './addresses.ts'
import {
  BURN_REASON,
  type BurnReason,
  burntIds,
  isOver,
  readBurnt,
  republish,
  wipeDatabase,
  writeBurnt,
} from './burn.ts'
import {
  DEFAULT_HTTP,
  type HostEvent,
  type InviteArgs,
  type ListenAddress,
  type PageLink,
  type RevokeResult,
  type StartOptions,
  type StatusResult,
} from './config.ts'
import { controlPath, serveControl } from './control.ts'
import { EpochTable, NonceTable, openDatabase, Settings } from './database.ts'
import { DirectListener, guardWerift } from './direct.ts'
import { type EpochEvent, Epochs } from './epochs.ts'
import { openFolder, renewIdentity } from './folder.ts'
import { createHttp, type HttpServer } from './http.ts'
import { Hub } from './hub.ts'
import { makeInvite } from './invites.ts'
import { type LinkPlan, listenerUrl, planLinks } from './links.ts'
import { MegaStore, megaFileName } from './mega.ts'
import type { MegaAccount } from './megaaccount.ts'
import { memberList } from './memberlist.ts'
import { Members } from './members.ts'
import { useSystemNetwork } from './network.ts'
import { nodeBackend } from './nodecrypto.ts'
import { checkPage, PAGE_DIR } from './page.ts'
import { Publisher } from './publisher.ts'
import {
  commitRevocation,
  devicesOf,
  isPublishPending,
  publishedEverywhere,
  type Revoked,
} from './revocation.ts'
import { Rooms } from './rooms.ts'
import { serveCarrier } from './serve.ts'
import { fileStore, httpsStore, type Store } from './stores.ts'
import { Wake } from './wake.ts'
import { withWorker } from './worker.ts'

/** The owner's first link (SPEC: one use, one hour, fresh at each start until an owner device exists). */
const OWNER_INVITE: InviteArgs = {
  role: 'owner',
  uses: 1,
  expiresMs: 3_600_000,
  note: 'first owner',
}
const KEPT_OWNER_INVITES = 3
const PORTS_TO_TRY = 20
/** How often the machine's own addresses are compared. */
const ADDRESS_CHECK_MS = 10_000
/** A record is good for a day; a host that changes nothing renews it long before. */
/** setting: whether another copy of this host was seen */
const SUPERSEDED = 'superseded'
const REPUBLISH_MS = 6 * 3_600_000
const BYE_MS = 300
/** How long a first start waits for the file at MEGA, so that the first link can name it. */
const ANCHOR_WAIT_MS = 60_000

export interface RunningHost {
  /** `burnt`: the folder has another identity now, and waits for its host to start */
  readonly stopped: Promise<'stopped' | 'burnt'>
  /** idempotent */
  stop(): Promise<void>
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const strip = (url: string): string => url.replace(/\/$/, '')

/** Starts a host; resolves after `ready` was reported. Throws ClawError for everything that prevents it. */
export async function runHost(
  options: StartOptions,
  report: (event: HostEvent) => void,
  megaAccount: MegaAccount | null = null,
): Promise<RunningHost> {
  // Whatever is made from here on belongs to the owner alone, SQLite's own files included.
  process.umask(0o077)
  const closers: (() => unknown)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    return await start(options, report, megaAccount, closers, closeAll)
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function start(
  given: StartOptions,
  report: (event: HostEvent) => void,
  megaAccount: MegaAccount | null,
  closers: (() => unknown)[],
  closeAll: () => Promise<void>,
): Promise<RunningHost> {
  const now = (): number => Date.now() + given.clockOffsetMs
  const folder = openFolder(given.dataDir)
  const burnt = readBurnt(folder.dir, now())
  let over = isOver(burnt, folder.identity.writeSecret)
  closers.push(() => {
    if (over) renewIdentity(folder.dir)
    folder.close()
  })
  const database = openDatabase(folder.dir)
  closers.push(() => {
    if (over) wipeDatabase(database)
    database.close()
  })
  // A crash came in between: what the burn began is ended now.
  if (over) {
    await closeAll()
    return start(given, report, megaAccount, closers, closeAll)
  }
  const options = withWorker(given, folder.dir)
  if (goesOut(options) && !useSystemNetwork()) report({ event: 'warning', code: 'proxy-ignored' })
  const { identitySecret, hostSecret, writeSecret } = folder.identity
  const hostPublicKey = ed25519PublicKey(identitySecret)
  const hostKey = await nodeBackend.dhKey(hostSecret)
  const settings = new Settings(database)
  if (settings.get(SUPERSEDED) === 'yes' && !options.takeOver) throw new ClawError('superseded')
  settings.set(SUPERSEDED, 'no')
  const members = new Members(database, random)
  const rooms = new Rooms(database, random)
  const hub = new Hub()
  members.expire(now())
  if (options.name !== null) settings.set('name', options.name)
  const hostName = (): string => settings.get('name') ?? 'My host'

  const id = storageId(ed25519PublicKey(writeSecret))
  const fallback = embedFallback({
    path: join(folder.dir, 'records.db'),
    ownIds: () => new Set([toHex(id), ...burntIds(burnt)]),
    nowMs: now,
  })
  closers.push(() => fallback.close())
  const mega = options.stores.some(({ kind }) => kind === 'mega')
    ? new MegaStore({
        gateway: options.megaApi,
        dir: folder.dir,
        anchorName: megaFileName(id),
        account: megaAccount,
        now,
        onAnchor: () => {
          if (started) void publisher.publish()
        },
      })
    : null
  closers.push(() => mega?.stop())
  const ownUrls: string[] = []
  const storeUrls = options.stores.flatMap((store) => (store.kind === 'https' ? [store.url] : []))
  const http = await createHttp({
    pageDir: PAGE_DIR,
    stores: () => [...ownUrls, ...storeUrls],
    ...(mega && { mega: { gateway: options.megaApi, own: options.megaApi === MEGA_GATEWAY } }),
    hostNames: given.pageUrl === null ? [] : [new URL(given.pageUrl).host],
    fallback: fallback.app,
  })
  closers.push(() => http.close())
  const listener = await listen(http, options, settings)
  ownUrls.push(strip(listenerUrl(listener)))
  const lan = options.lan ? await listenOnLan(http, listener) : null
  if (lan !== null) ownUrls.push(strip(listenerUrl(lan)))

  const locator = (): Locator => [
    ...[...ownUrls, ...storeUrls].map((url) => ({
      type: 'https' as const,
      flags: LOCATOR_FLAG.record,
      id,
      url,
    })),
    ...(mega?.entry ? [mega.entry] : []),
  ]
  const plan = (): LinkPlan =>
    planLinks({ pageUrl: options.pageUrl, http: listener, lan, locator: locator() })
  plan()

  const preferred = async (): Promise<string[]> =>
    [options.externalAddress, options.udpAddress, await defaultRouteAddress()].filter(
      (address) => address !== null,
    )
  let addresses = hostAddresses(await preferred())
  if (addresses.length === 0) report({ event: 'warning', code: 'no-address' })

  const udp: { listener: DirectListener | null } = { listener: null }
  const refresh = (): void => udp.listener?.refresh()
  const ended = Promise.withResolvers<'stopped' | 'burnt'>()
  // Nobody may be waiting yet.
  ended.promise.catch(() => undefined)
  // The page shows the same under "Security".
  const identity = toHex(sha256(hostPublicKey).slice(0, 16))
  let stopping: Promise<void> | null = null
  const stop = (reason?: ClawError): Promise<void> => {
    stopping ??= (async () => {
      for (const session of hub.sessions) session.end('stopping')
      if ([...hub.sessions].length > 0) await new Promise((done) => setTimeout(done, BYE_MS))
      await closeAll()
      report(over ? { event: 'burnt', identity } : { event: 'stopped' })
      if (reason === undefined) ended.resolve(over ? 'burnt' : 'stopped')
      else ended.reject(reason)
    })()
    return stopping
  }
  const publisher = new Publisher({
    stores: [
      ...makeStores(options, fallback.app, writeSecret, folder.dir),
      ...(mega === null ? [] : [mega]),
    ],
    settings,
    random,
    now,
    clockOffsetMs: options.clockOffsetMs,
    identitySecret,
    roots: () => members.credentials().map(({ root }) => root),
    body: () => {
      const { firstEpoch, entries } = epochs.schedule()
      return {
        hostPublicKey,
        burn: false,
        reason: 0,
        hostStatic: hostKey.publicKey,
        intervalMs: options.rotation.intervalMs,
        firstEpoch,
        schedule: entries,
        addresses,
        locator: locator(),
      }
    },
    report,
    onSealed: () => {
      for (const session of hub.sessions) session.sendRecord()
    },
    onSuperseded: () => {
      settings.set(SUPERSEDED, 'yes')
      void stop(new ClawError('superseded'))
    },
    onEverywhere: () => publishedEverywhere(settings),
  })
  closers.push(() => publisher.stop())
  /** Credentials changed: knocks and record must follow. */
  const credentialsChanged = (): Promise<void> => {
    refresh()
    expiry.at(members.nextExpiry())
    return publisher.publish()
  }
  const expiry = new Wake(() => {
    if (members.expire(now())) void credentialsChanged()
    else expiry.at(members.nextExpiry())
  }, options.clockOffsetMs)
  closers.push(() => expiry.stop())

  let started = false
  const epochs = new Epochs({
    options: {
      ...options.rotation,
      firstPort: options.portRange.first,
      lastPort: options.portRange.last,
    },
    table: new EpochTable(database),
    random,
    now,
    clockOffsetMs: options.clockOffsetMs,
    open: (port) => direct.open(port),
    close: (port) => direct.close(port),
    publish: () => {
      if (started) void publisher.publish()
    },
    onEvent: (event) => {
      refresh()
      report(hostEvent(event))
      if (event.type !== 'notice') return
      const { epoch, atMs } = event
      const { intervalMs } = options.rotation
      for (const session of hub.sessions) session.send({ type: 'notice', epoch, atMs, intervalMs })
    },
  })
  const direct = new DirectListener({
    bindAddress: options.udpAddress,
    hostTag: hostTag(hostPublicKey),
    credentials: () => members.credentials(),
    epoch: () => Math.floor(now() / options.rotation.intervalMs),
    certificate: (epoch) => epochs.certificate(epoch),
    now: () => performance.now(),
    intervalMs: options.rotation.intervalMs,
    nonces: new NonceTable(database),
    onCarrier: (carrier, peer) =>
      serveCarrier(carrier, peer, {
        hostPublicKey,
        hostKey,
        hostName,
        backend: nodeBackend,
        random,
        now,
        members,
        rooms,
        hub,
        locator,
        recordSeq: () => publisher.seq,
        record: () => publisher.record,
        notice: () => epochs.notice,
        publish: credentialsChanged,
        report,
      }),
  })
  udp.listener = direct
  closers.push(
    guardWerift(),
    () => direct.stop(),
    () => epochs.stop(),
  )
  await epochs.start()
  if (mega !== null && mega.entry === null) await atMost(ANCHOR_WAIT_MS, mega.prepare())
  await publisher.learn()
  started = true
  direct.refresh()

  const invites = {
    members,
    hostPublicKey,
    hostName,
    plan,
    recordSeq: () => publisher.seq,
    now,
    random,
    publish: credentialsChanged,
  }
  const moved = originMoved(settings, plan().pages)
  if (moved) report({ event: 'warning', code: 'origin-changed' })
  const invite =
    moved || !members.hasOwnerDevice() ? await ownerInvite(members, invites, now) : null
  // Also after a crash right behind a revocation: its record goes out before anything else can happen.
  if (invite === null || isPublishPending(settings)) await credentialsChanged()

  /** SPEC §3.4: first the commit, then goodbye to who is out, then the new record for the others. */
  const revoke = async (id: string): Promise<RevokeResult> => {
    devicesOf(database, id)
    let gone: Revoked = { devices: [], links: [] }
    await epochs.redraw(
      (rows) => {
        gone = commitRevocation(database, id, rows, now())
      },
      () => {
        direct.retire(new Set(gone.devices))
        for (const device of gone.devices) {
          hub.expel(device)
          report({ event: 'revoked', device })
        }
      },
    )
    expiry.at(members.nextExpiry())
    await publisher.publish('all')
    moveSessions()
    const owners = members.members().filter(({ role }) => role === 'owner')
    const ofOwner = members.devices().filter(({ member }) => owners.some((o) => o.id === member))
    return {
      revoked: gone.devices,
      links: gone.links,
      unconfirmed: publisher.behind,
      ownerDevices: ofOwner.length,
    }
  }
  /** Whoever is connected leaves the old port for the new one, each at a moment of its own (SPEC §6). */
  const moveSessions = (): void => {
    const { epoch } = epochs.current
    const { intervalMs } = options.rotation
    const notice = { type: 'notice', epoch, atMs: now(), intervalMs } as const
    for (const session of hub.sessions) session.send(notice)
  }

  const timers = [
    setInterval(() => {
      void preferred().then((texts) => {
        const found = hostAddresses(texts)
        // Without any network there is nobody to tell, and the old addresses may come back.
        if (found.length === 0 || JSON.stringify(found) === JSON.stringify(addresses)) return
        addresses = found
        return direct.readdress().then(() => publisher.publish())
      })
    }, ADDRESS_CHECK_MS),
    setInterval(() => void publisher.publish(), REPUBLISH_MS),
  ]
  closers.push(() => timers.forEach(clearInterval))

  const status = (): StatusResult => ({
    page: plan().url,
    pages: plan().pages,
    identity,
    name: hostName(),
    port: epochs.current.port,
    epoch: epochs.current.epoch,
    nextRotation: new Date(epochs.nextAtMs).toISOString(),
    stores: publisher.status,
    members: members.members().length,
    devices: members.devices().length,
    connected: [...hub.sessions].length,
    dataDir: folder.dir,
  })
  /** SPEC §3.5: written first, told second, and only then does everything end. */
  const burn = async (reason: BurnReason): Promise<{ burnt: string }> => {
    const record = publisher.sealLast(BURN_REASON[reason])
    writeBurnt(folder.dir, writeSecret, record, now())
    over = true
    for (const session of hub.sessions) session.send({ type: 'record', bytes: record })
    await stop()
    return { burnt: identity }
  }
  for (const each of burnt) {
    const urls = [strip(listenerUrl(listener)), ...storeUrls]
    const stores = urls.map((url, i) =>
      httpsStore({ name: `burnt-${i}`, url, writeSecret: each.writeSecret }),
    )
    closers.push(republish({ burnt: each, stores, now }))
  }
  const control = await serveControl(controlPath(folder.dir), async (command, args) => {
    switch (command) {
      case 'stop':
        return stop()
      case 'status':
        return status()
      case 'rotate':
        return epochs.rotate()
      case 'burn':
        return burn((args as { reason: BurnReason }).reason)
      case 'members':
        return memberList(members, hostPublicKey, hub.online, now())
      case 'revoke':
        return revoke((args as { id: string }).id)
      case 'invite':
        return makeInvite(invites, args as InviteArgs)
      case 'invite-list':
        return members.invites(now())
      case 'invite-withdraw':
        if (members.withdraw((args as { id: string }).id)) await credentialsChanged()
        return null
      default:
        throw new ClawError('usage')
    }
  })
  closers.push(() => control.close())
  report({
    event: 'ready',
    page: plan().url,
    pages: plan().pages,
    invite,
    identity,
    port: epochs.current.port,
    epoch: epochs.current.epoch,
    dataDir: folder.dir,
  })
  if (options.pageUrl !== null) {
    void checkPage(options.pageUrl).then((code) => {
      if (code !== null && stopping === null) report({ event: 'warning', code })
    })
  }
  return { stopped: ended.promise, stop }
}

const goesOut = ({ stores, pageUrl }: StartOptions): boolean =>
  pageUrl !== null || stores.some(({ kind }) => kind !== 'file')

/** Browsers keep a device's keys by origin: whether the one that links led to at the last start is gone. */
function originMoved(settings: Settings, pages: readonly PageLink[]): boolean {
  const origins = pages.map(({ url }) => new URL(url).origin)
  const earlier = settings.get('origin')
  settings.set('origin', origins[0] ?? '')
  return earlier !== null && !origins.includes(earlier)
}

/** A fresh link for a device of the owner. */
async function ownerInvite(
  members: Members,
  input: Parameters<typeof makeInvite>[0],
  now: () => number,
): Promise<string> {
  const open = members
    .invites(now())
    .filter((row) => row.note === OWNER_INVITE.note && row.state === 'open')
  // Links of the last starts still open in some browser go on working; a restart loop must not fill the record.
  for (const row of open.slice(0, -KEPT_OWNER_INVITES)) members.withdraw(row.id)
  const { invite } = await makeInvite(input, OWNER_INVITE)
  return invite
}

/** The saved port, or at first start the next free one: another port would be another origin (contract.md). */
async function listen(
  http: HttpServer,
  options: StartOptions,
  settings: Settings,
): Promise<ListenAddress> {
  const saved = settings.get('http')
  const wanted: ListenAddress | null =
    options.http ?? (saved === null ? null : (JSON.parse(saved) as ListenAddress))
  const address = wanted ?? DEFAULT_HTTP
  const tries = wanted === null ? PORTS_TO_TRY : 1
  for (let i = 0; i < tries; i++) {
    try {
      const { port } = await http.listen(address.host, address.port === 0 ? 0 : address.port + i)
      const bound = { host: address.host, port }
      if (options.http?.port !== 0) settings.set('http', JSON.stringify(bound))
      return bound
    } catch (error) {
      const again = error instanceof ClawError && error.code === 'port-taken' && i + 1 < tries
      if (!again) throw error
    }
  }
  throw new ClawError('port-taken')
}

async function listenOnLan(
  http: HttpServer,
  listener: ListenAddress,
): Promise<ListenAddress | null> {
  const host = await defaultRouteAddress()
  if (host === null || host === listener.host) return null
  const { port } = await http.listen(host, listener.port)
  return { host, port }
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

/** Resolves when the promise has settled in whatever way, or when its time is up. */
async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise.catch(() => undefined), late])
  clearTimeout(timer)
}

function hostEvent(event: EpochEvent): HostEvent {
  switch (event.type) {
    case 'notice':
      return {
        event: 'notice',
        port: event.port,
        epoch: event.epoch,
        at: new Date(event.atMs).toISOString(),
      }
    case 'rotated':
      return {
        event: 'rotated',
        port: event.port,
        epoch: event.epoch,
        previousPort: event.previousPort,
        graceEndsAt: new Date(event.graceEndsAtMs).toISOString(),
      }
    case 'close':
      return { event: 'closed', port: event.port, epoch: event.epoch }
  }
}
