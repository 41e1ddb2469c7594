// Finding the record (SPEC §3.2): how long with one, two, three https stores, and with one of them dead or silent.
// Rounds are interleaved, so that a busy machine is unkind to all alike. Connections are fresh, as on a page just opened.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { makeCertificate } from '../../host/rtc.ts'
import { SCHEDULE_EPOCHS } from '../../shared/constants.ts'
import { LOCATOR_FLAG, type Locator } from '../../shared/locator.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { epochAt, sealRecord } from '../../shared/record.ts'
import { resolveRecord } from '../../web/resolve.ts'
import { printRatio, printRow } from './stats.ts'

const ROUNDS = 60
const WARM_UP = 5
const INTERVAL_MS = 3_600_000
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

const identitySecret = random(32)
const root = random(32)

function makeRecord(): Uint8Array {
  const issuedMs = Date.now()
  return sealRecord({
    body: {
      hostPublicKey: ed25519PublicKey(identitySecret),
      seq: issuedMs,
      issuedMs,
      burn: false,
      reason: 0,
      hostStatic: random(32),
      intervalMs: INTERVAL_MS,
      firstEpoch: epochAt(issuedMs, INTERVAL_MS) - 1,
      schedule: Array.from({ length: SCHEDULE_EPOCHS }, (_, i) => ({
        port: 50_000 + i,
        fingerprint: random(32),
      })),
      addresses: [],
      locator: [],
    },
    roots: [root],
    identitySecret,
    random,
  })
}

type Kind = 'good' | 'dead' | 'silent'

/** Stores on loopback. A dead one was closed again: its port refuses. */
async function startStore(kind: Kind, record: Uint8Array): Promise<Server> {
  const { certPem, keyPem } = await makeCertificate()
  const server = createServer({ cert: certPem, key: keyPem }, (_, response) => {
    if (kind === 'good') response.end(record)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** As the page's `fetch`, on a fresh connection, to servers whose certificates this run made up. */
function fetchFresh(url: string, init: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { signal } = init
    const options = { agent: false, rejectUnauthorized: false, ...(signal ? { signal } : {}) }
    request(url, options, (answer) => {
      const headers: Record<string, string> = { Date: answer.headers.date ?? '' }
      const body = Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>
      resolve(new Response(body, { headers }))
    })
      .on('error', reject)
      .end()
  })
}

const ROWS: readonly (readonly [name: string, kinds: readonly Kind[]])[] = [
  ['one store', ['good']],
  ['two stores', ['good', 'good']],
  ['three stores', ['good', 'good', 'good']],
  ['three, one of them dead', ['dead', 'good', 'good']],
  ['three, one of them silent', ['silent', 'good', 'good']],
]

export async function benchResolve(): Promise<void> {
  const record = makeRecord()
  const open: Server[] = []
  const urlOf = async (kind: Kind): Promise<string> => {
    const server = await startStore(kind, record)
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    if (kind === 'dead') server.close()
    else open.push(server)
    return url
  }
  const rows = await Promise.all(
    ROWS.map(async ([name, kinds]) => ({
      name,
      good: kinds.filter((kind) => kind === 'good').length,
      urls: await Promise.all(kinds.map(urlOf)),
      values: [] as number[],
    })),
  )
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const { good, urls, values } of rows) {
      const start = performance.now()
      const found = await resolveOnce(urls)
      if (found !== good) throw new Error(`${found} of ${good} stores answered`)
      if (round >= WARM_UP) values.push(performance.now() - start)
    }
  }
  for (const { name, values } of rows) printRow({ cell: 'resolve', what: name, unit: 'ms', values })
  const [one, two, three, ...bad] = rows.map(({ name, values }) => ({ name, values }))
  for (const { name, values } of [two, three].filter((row) => row !== undefined))
    printRatio(`${name}, of one store`, values, one?.values ?? [])
  // The bad third is measured against the two good ones alone.
  for (const { name, values } of bad)
    printRatio(`${name}, of two stores`, values, two?.values ?? [])
  for (const server of open) {
    server.closeAllConnections()
    server.close()
  }
}

/** @returns how many stores gave the record */
async function resolveOnce(urls: readonly string[]): Promise<number> {
  const id = new Uint8Array(32)
  const locator: Locator = urls.map((url) => ({
    type: 'https',
    flags: LOCATOR_FLAG.record,
    id,
    url,
  }))
  const { stores } = await resolveRecord({
    locator,
    root,
    hostPublicKey: ed25519PublicKey(identitySecret),
    minSeq: 0,
    cached: null,
    otherRoot: null,
    nowMs: Date.now(),
    patient: false,
    fetch: fetchFresh,
    megaGateway: () => '',
  })
  return stores
}

if (import.meta.main) await benchResolve()
