// What a record costs (SPEC §3): sealed by the host for 1 and for 64 credentials, opened by a reader, and published.
import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { createFallbackApp } from '../../fallback-worker/app.ts'
import { createRecordCell, localRecords, type Sql } from '../../fallback-worker/cell.ts'
import { httpsStore } from '../../host/stores.ts'
import { toHex } from '../../shared/bytes.ts'
import { SCHEDULE_EPOCHS, SLOT_COUNT } from '../../shared/constants.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { storageId } from '../../shared/put.ts'
import { openRecord, sealRecord } from '../../shared/record.ts'
import { printRow } from './stats.ts'

const ROUNDS = 60
const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const identitySecret = random(32)
const hostPublicKey = ed25519PublicKey(identitySecret)

const seal = (roots: readonly Uint8Array[]): Uint8Array =>
  sealRecord({
    body: {
      ...{ hostPublicKey, seq: 1, issuedMs: 1_800_000_000_000, burn: false, reason: 0 },
      ...{ hostStatic: random(32), intervalMs: 3_600_000, firstEpoch: 500_000 },
      schedule: Array.from({ length: SCHEDULE_EPOCHS }, (_, i) => ({
        port: 50_000 + i,
        fingerprint: random(32),
      })),
      ...{ addresses: [], locator: [] },
    },
    roots,
    identitySecret,
    random,
  })

function timed<T>(values: number[], run: () => T): T {
  const startMs = performance.now()
  const result = run()
  values.push(performance.now() - startMs)
  return result
}

export async function benchRecord(): Promise<void> {
  for (const count of [1, SLOT_COUNT]) {
    const roots = Array.from({ length: count }, () => random(32))
    const [sealed, opened]: [number[], number[]] = [[], []]
    for (let i = 0; i < ROUNDS; i++) {
      const bytes = timed(sealed, () => seal(roots))
      const root = roots[i % count] as Uint8Array
      timed(opened, () => openRecord({ bytes, root, hostPublicKey, minSeq: 0 }))
    }
    const what = count === 1 ? 'credential' : 'credentials'
    printRow({ cell: 'record', what: `sealed for ${count} ${what}`, unit: 'ms', values: sealed })
    printRow({
      cell: 'record',
      what: `opened by one of ${count}, verified`,
      unit: 'ms',
      values: opened,
    })
  }
  await printRequests()
}

/** Requests of one publish to one endpoint: what the host sends, counted at the endpoint. */
async function printRequests(): Promise<void> {
  const db = new DatabaseSync(':memory:')
  const sql: Sql = (text, ...values) => db.prepare(text).all(...values)
  const writeSecret = random(32)
  const ids = new Set([toHex(storageId(ed25519PublicKey(writeSecret)))])
  const records = localRecords(createRecordCell(sql, null), Date.now)
  const app = createFallbackApp({ records, policy: { kind: 'own', ids: () => ids } })
  const methods: string[] = []
  const store = httpsStore({
    ...{ name: 'bench', url: 'http://bench.invalid', writeSecret },
    request: async (url, init) => {
      methods.push(init.method ?? 'GET')
      return app.request(url, init)
    },
  })
  // As the publisher does: another copy of the host would show in what is there.
  await store.get()
  await store.put(Date.now(), seal([random(32)]))
  console.log(
    `${'record'.padEnd(10)} requests of one publish to an https store: ${methods.join(' + ')}`,
  )
  db.close()
}
