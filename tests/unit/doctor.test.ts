// `clawchat doctor` against real folders and servers on loopback.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../host/database.ts'
import { type DoctorOptions, examine } from '../../host/doctor.ts'
import { type DoctorFinding, isHealthy } from '../../host/findings.ts'
import { openFolder } from '../../host/folder.ts'

let dir = ''
const closers: (() => void)[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-doctor-'))
})
afterEach(() => {
  for (const close of closers.splice(0)) close()
  rmSync(dir, { recursive: true })
})

const options = (change: Partial<DoctorOptions> = {}): DoctorOptions => ({
  ...{ dataDir: dir, stores: [], stun: [], turn: null, udpAddress: null, pageUrl: null },
  ...{ signal: false, map: false, ...change },
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A folder as a start leaves it. */
function started(): void {
  openFolder(dir).close()
  openDatabase(dir).close()
}

const causesOf = (findings: readonly DoctorFinding[]) =>
  findings.map(({ step, cause }) => [step, cause])

test('before the first start: notes, and no fault; each is told as soon as it is known', async () => {
  const told: DoctorFinding[] = []
  const findings = await examine(options(), (finding) => told.push(finding))
  expect(told).toEqual(findings)
  expect(isHealthy(findings)).toBe(true)
  expect(causesOf(findings)).toEqual([
    ['folder', 'folder-new'],
    ['running', 'not-running'],
    ['clock', 'clock-unknown'],
    ['mailbox', 'mailbox-none'],
    ['udp', expect.toSatisfy((cause) => cause === null || cause === 'buffer-small')],
    ['stun', 'stun-none'],
    ['hidden', 'ports-answer'],
  ])
})

test('a folder that others can read, and one with a damaged database', async () => {
  started()
  expect((await examine(options()))[0]?.cause).toBeNull()
  chmodSync(join(dir, 'identity.key'), 0o644)
  expect((await examine(options()))[0]).toMatchObject({ ok: false, cause: 'folder-readable' })
  chmodSync(join(dir, 'identity.key'), 0o600)
  writeFileSync(join(dir, 'clawchat.db'), 'no database')
  expect((await examine(options()))[0]).toMatchObject({ ok: false, cause: 'database-damaged' })
})

test('a server whose clock is another one, without a record and without WebSockets', async () => {
  const url = await serve((_, response) => {
    response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString())
    response.writeHead(404).end()
  })
  const findings = await examine(options({ stores: [{ kind: 'https', url }] }))
  expect(causesOf(findings)).toEqual(
    expect.arrayContaining([
      ['clock', 'clock-ahead'],
      ['store', 'store-empty'],
      ['mailbox', 'mailbox-unreachable'],
    ]),
  )
})

test('a store that refuses, one that is not there, and a file: each by its number', async () => {
  const refusing = await serve((_, response) => response.writeHead(403).end())
  const findings = await examine(
    options({
      stores: [
        { kind: 'https', url: refusing },
        { kind: 'https', url: 'http://127.0.0.1:1' },
        { kind: 'file', path: join(dir, 'none') },
      ],
    }),
  )
  const stores = findings.filter(({ step }) => step === 'store')
  expect(stores.map(({ nth, cause }) => [nth, cause])).toEqual([
    [1, 'store-refused'],
    [2, 'store-unreachable'],
    [3, 'store-empty'],
  ])
})

test('an address that is not of this computer', async () => {
  const findings = await examine(options({ udpAddress: '192.0.2.1', signal: true }))
  expect(causesOf(findings)).toEqual(
    expect.arrayContaining([
      ['udp', 'udp-refused'],
      ['tcp', 'tcp-refused'],
    ]),
  )
})
