// `clawchat doctor`: looks at everything that a host depends on, one thing after the other, each within a deadline. It changes
// nothing, and what it answers names no address, path, link or key, so that it can be shown to others.
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, statfsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { toHex } from '../shared/bytes.ts'
import { RECORD_LIFE_MS } from '../shared/constants.ts'
import { ClawError, codeOf } from '../shared/error.ts'
import { MAILBOX_PROTOCOL } from '../shared/mailbox.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { storageId } from '../shared/put.ts'
import { ADDRESS_FLAG } from '../shared/record.ts'
import { hostAddresses } from './addresses.ts'
import type { StartOptions } from './config.ts'
import { callControl, controlPath } from './control.ts'
import { isDatabaseWhole } from './database.ts'
import {
  type DoctorCause,
  type DoctorFinding,
  type DoctorStepName,
  isNote,
  judgeClock,
  judgeFolder,
  judgeNat,
  judgeUntold,
  SMALL_BUFFER_BYTES,
} from './findings.ts'
import { KEY_FILE, peekIdentity } from './folder.ts'
import type { Passphrase } from './keyfile.ts'
import { checkPage } from './page.ts'
import { askStun } from './reflexive.ts'
import { examineRouter, isRouterFine } from './routerdoctor.ts'
import { fileStore, httpsStore } from './stores.ts'
import { reflectorsOf, type TurnOption, turnLogin } from './turn.ts'
import { examineTurn } from './turndoctor.ts'

const STORE_MS = 5000
const LINE_MS = 5000
/** of one step, whatever it waits for */
const STEP_MS = 30_000
const ECHO_MS = 300
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

export type DoctorOptions = Pick<
  StartOptions,
  'dataDir' | 'stores' | 'stun' | 'turn' | 'udpAddress' | 'pageUrl' | 'signal' | 'map'
> & {
  /** of the keys, where they are behind one */
  readonly passphrase?: Passphrase
}

/** `onFinding` is called as soon as each is known. @returns all of them, in the order of DOCTOR_STEPS */
export async function examine(
  options: DoctorOptions,
  onFinding: (finding: DoctorFinding) => void = () => undefined,
): Promise<DoctorFinding[]> {
  const findings: DoctorFinding[] = []
  const look: Look = async (step, run, nth = null) => {
    const from = performance.now()
    const cause = await within(STEP_MS, run)
    const ms = Math.round(performance.now() - from)
    const finding = { step, nth, ok: cause === null || isNote(cause), cause, ms }
    findings.push(finding)
    onFinding(finding)
  }
  await look('folder', () => folder(options.dataDir))
  await look('running', () => running(options.dataDir))
  await lookAtStores(options, look)
  const { pageUrl } = options
  if (pageUrl !== null) await look('page', () => checkPage(pageUrl))
  await lookAtNetwork(options, look)
  await look('hidden', closedPort)
  return findings
}

type Probe = () => DoctorCause | null | Promise<DoctorCause | null>
type Look = (step: DoctorStepName, run: Probe, nth?: number | null) => Promise<void>

async function within(ms: number, run: Probe): Promise<DoctorCause | null> {
  const late = new AbortController()
  try {
    return await Promise.race([
      run(),
      delay(ms, 'too-slow' as const, { signal: late.signal, ref: false }),
    ])
  } catch (error) {
    return codeOf(error)
  } finally {
    late.abort()
  }
}

function folder(dir: string): DoctorCause | null {
  if (!existsSync(join(dir, KEY_FILE))) return 'folder-new'
  const modes = [dir, join(dir, KEY_FILE)].map((path) =>
    process.platform === 'win32' ? null : statSync(path).mode,
  )
  const { bavail, bsize } = statfsSync(dir)
  return judgeFolder({ modes, freeBytes: bavail * bsize, whole: isDatabaseWhole(dir) })
}

async function running(dir: string): Promise<DoctorCause | null> {
  try {
    await callControl(controlPath(dir), 'status')
    return null
  } catch (error) {
    const code = codeOf(error)
    return code === 'not-running' ? 'not-running' : code
  }
}

async function lookAtStores(
  { dataDir, stores, passphrase = null }: DoctorOptions,
  look: Look,
): Promise<void> {
  // Before the first start there is nothing of it anywhere, and any key asks as well.
  const writeSecret =
    peekIdentity(dataDir, passphrase)?.writeSecret ?? new Uint8Array(randomBytes(32))
  const urls = stores.flatMap((store) => (store.kind === 'https' ? [store.url] : []))
  const aheadMs: number[] = []
  await look('clock', async () => {
    for (const url of urls) aheadMs.push(...(await clockAhead(url)))
    return judgeClock(aheadMs)
  })
  for (const [i, store] of stores.entries()) {
    await look('store', () => readStore(store, writeSecret), stores.length > 1 ? i + 1 : null)
  }
  if (urls.length === 0) await look('mailbox', () => 'mailbox-none')
  for (const [i, url] of urls.entries()) {
    await look('mailbox', () => openLine(url, writeSecret), urls.length > 1 ? i + 1 : null)
  }
}

/** Empty where the server told no time. */
async function clockAhead(url: string): Promise<number[]> {
  const fromMs = Date.now()
  try {
    const signal = AbortSignal.timeout(STORE_MS)
    const answer = await fetch(url, { method: 'HEAD', redirect: 'manual', signal })
    await answer.body?.cancel()
    const atMs = Date.parse(answer.headers.get('date') ?? '')
    return Number.isNaN(atMs) ? [] : [(fromMs + Date.now()) / 2 - atMs]
  } catch {
    return []
  }
}

async function readStore(
  store: DoctorOptions['stores'][number],
  writeSecret: Uint8Array,
): Promise<DoctorCause | null> {
  if (store.kind === 'mega') return 'store-by-mega'
  const opened =
    store.kind === 'file'
      ? fileStore(store.path)
      : httpsStore({ name: '', url: store.url, writeSecret, timeoutMs: STORE_MS })
  return (await opened.get()) === null ? 'store-empty' : null
}

/** A host's line opens, and asks who this is; no proof is given, so that a host that runs keeps its own line. */
async function openLine(url: string, writeSecret: Uint8Array): Promise<DoctorCause | null> {
  const id = toHex(storageId(ed25519PublicKey(writeSecret)))
  const path = `${url.replace(/^http/, 'ws')}/v1/mailbox/${id}/host`
  const socket = new WebSocket(path, MAILBOX_PROTOCOL)
  const { promise, resolve } = Promise.withResolvers<DoctorCause | null>()
  const timer = setTimeout(() => resolve('mailbox-unreachable'), LINE_MS)
  socket.onmessage = () => resolve(null)
  socket.onerror = () => resolve('mailbox-unreachable')
  socket.onclose = () => resolve('mailbox-unreachable')
  return promise.finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

async function lookAtNetwork(options: DoctorOptions, look: Look): Promise<void> {
  const { udpAddress, stun, turn, signal, map } = options
  const address = udpAddress ?? '0.0.0.0'
  await look('udp', async () => {
    const socket = await bound(address)
    if (socket === null) return 'udp-refused'
    const granted = bufferOf(socket)
    socket.close()
    return granted < SMALL_BUFFER_BYTES ? 'buffer-small' : null
  })
  if (signal) await look('tcp', () => listens(udpAddress))
  await lookAtNat(address, stun.length > 0 ? stun : reflectorsOf(turn), turn !== null, look)
  if (turn !== null) await lookAtTurn(turn, look)
  if (!map) return
  await look('router', async () => {
    const steps = await examineRouter({ bindAddress: udpAddress, stun })
    return isRouterFine(steps) ? null : 'router-closed'
  })
}

/** `servers`: STUN servers, or TURN servers that tell the same. */
async function lookAtNat(
  address: string,
  servers: readonly string[],
  hasTurn: boolean,
  look: Look,
): Promise<void> {
  if (servers.length === 0) return look('stun', () => judgeUntold(hasTurn, hasPublicAddress()))
  // One socket for all: whether a router gives it the same port for each of them is the question.
  const socket = await bound(address)
  if (socket === null) return
  const seen: string[] = []
  try {
    for (const [i, server] of servers.entries()) {
      const ask: Probe = async () => {
        const mapped = await askStun(socket, server)
        if (mapped === null) return 'stun-silent'
        seen.push(`${mapped.address} ${mapped.port}`)
        return null
      }
      await look('stun', ask, servers.length > 1 ? i + 1 : null)
    }
  } finally {
    socket.close()
  }
  await look('nat', () => judgeNat(seen))
}

const hasPublicAddress = (): boolean =>
  hostAddresses([]).some(({ kind, flags }) => kind === 4 && (flags & ADDRESS_FLAG.public) !== 0)

/** With a login like that of a record sealed now. */
async function lookAtTurn({ servers, credential }: TurnOption, look: Look): Promise<void> {
  const login = turnLogin(credential, Date.now() + RECORD_LIFE_MS)
  for (const [i, server] of servers.entries()) {
    await look('turn', () => examineTurn(server, login), servers.length > 1 ? i + 1 : null)
  }
}

async function bound(address: string): Promise<Socket | null> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  // A name that is not found is an error of the socket, and an answer that does not come.
  socket.on('error', () => undefined)
  try {
    socket.bind(0, address)
    await once(socket, 'listening')
    return socket
  } catch {
    socket.close()
    return null
  }
}

function bufferOf(socket: Socket): number {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
  } catch {
    // A kernel that refuses keeps its default.
  }
  return socket.getRecvBufferSize()
}

async function listens(address: string | null): Promise<DoctorCause | null> {
  const server = createServer()
  try {
    server.listen(0, address ?? undefined)
    await once(server, 'listening')
    return null
  } catch {
    return 'tcp-refused'
  } finally {
    server.close()
  }
}

/**
 * Whether this computer says of a closed UDP port that it is closed (ICMP port unreachable). If it does, the one port that
 * says nothing is the host's, for whoever is in the same network.
 */
async function closedPort(): Promise<DoctorCause | null> {
  const closed = await bound('127.0.0.1')
  const asking = await bound('127.0.0.1')
  if (closed === null || asking === null) throw new ClawError('no-network')
  const { port } = closed.address()
  closed.close()
  await once(closed, 'close')
  asking.connect(port, '127.0.0.1')
  await once(asking, 'connect')
  const refused = new Promise<DoctorCause>((resolve) =>
    asking.on('error', () => resolve('ports-answer')),
  )
  asking.send('')
  const cause = await Promise.race([refused, delay(ECHO_MS, null)])
  asking.close()
  return cause
}
