// One contract for every store (host/stores.ts): the endpoint over HTTP with the real fallback app, a file on a real file
// system, and MEGA with the real megajs against its emulator.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFallback } from '../../fallback-worker/node.ts'
import { MegaStore } from '../../host/mega.ts'
import { NO_SESSION, writeMegaSession } from '../../host/megasession.ts'
import { fileStore, httpsStore, type Store } from '../../host/stores.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import { sha256 } from '../../shared/hash.ts'
import { MegaEmulator } from '../emulators/mega.ts'

/** How a store may go wrong from the host's side. */
type Trouble = 'foreign' | 'truncated' | 'endless' | 'hangs' | 'away'

interface Setting {
  readonly store: Store
  /** From now on the store is in this trouble. */
  readonly spoil: (trouble: Trouble) => unknown
  /** The trouble is over. */
  readonly mend: () => unknown
}

const writeSecret = new Uint8Array(32).fill(7)
const record = (fill: number): Uint8Array => new Uint8Array(RECORD_BYTES).fill(fill)
/** Only a store that hangs lasts as long. */
const PATIENCE_MS = 2500

let dir = ''
const closers: (() => unknown)[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-store-'))
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  rmSync(dir, { recursive: true })
})

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The real app with a token, and the address where it listens. */
function endpoint(): RequestListener {
  const policy = {
    kind: 'token',
    tokenHash: sha256(toUtf8('token')),
    bucket: 60,
    refillMs: 60_000,
  } as const
  const fallback = openFallback({ path: ':memory:', policy, nowMs: () => 1_800_000_000_000 })
  closers.push(() => fallback.close())
  return getRequestListener(fallback.app.fetch)
}

const TROUBLES: Readonly<Record<Trouble, RequestListener>> = {
  foreign: (_, response) => response.end('<html>Sign in to this network</html>'),
  truncated: (_, response) => response.end(new Uint8Array(RECORD_BYTES - 1)),
  endless: (_, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write(new Uint8Array(RECORD_BYTES), more)
    }
    response.on('error', () => undefined)
    more()
  },
  hangs: () => undefined,
  away: (request) => request.socket.destroy(),
}

async function httpsSetting(): Promise<Setting> {
  const real = endpoint()
  let listener = real
  const url = await serve((request, response) => listener(request, response))
  return {
    store: httpsStore({
      name: 'https-1',
      url,
      writeSecret,
      token: 'token',
      timeoutMs: PATIENCE_MS,
    }),
    spoil: (trouble) => {
      listener = TROUBLES[trouble]
    },
    mend: () => {
      listener = real
    },
  }
}

async function fileSetting(): Promise<Setting> {
  const path = join(dir, 'a', 'record')
  const store = fileStore(path)
  let held: Uint8Array | null = null
  return {
    store,
    spoil: async (trouble) => {
      held = await store.get()
      if (trouble === 'away') {
        rmSync(dirname(path), { recursive: true, force: true })
        writeFileSync(dirname(path), 'a file where the folder was')
      } else writeFileSync(path, trouble === 'truncated' ? record(1).slice(1) : 'something else')
    },
    mend: async () => {
      rmSync(dirname(path), { recursive: true })
      if (held !== null) await store.put(1, held)
    },
  }
}

async function megaSetting(): Promise<Setting> {
  const emulator = await MegaEmulator.start()
  closers.push(() => emulator.close())
  const real = emulator.account({ email: 'ada@example.org', password: 'secret' })
  const earlier = emulator.anchored(real, 'anchor')
  writeMegaSession(dir, emulator.url, { ...NO_SESSION, ...earlier })
  const store = new MegaStore({
    gateway: emulator.url,
    dir,
    anchorName: 'anchor',
    account: null,
    now: Date.now,
    times: { requestMs: PATIENCE_MS, readBackMs: [0, 1] },
  })
  closers.push(() => store.stop())
  const faults = {
    foreign: { kind: 'body', text: '<html>Sign in to this network</html>' },
    truncated: { kind: 'body', text: '[{"s":173,"at":"AAAA' },
    endless: { kind: 'endless' },
    hangs: { kind: 'hang' },
    away: { kind: 'reset' },
  } as const
  return {
    store,
    spoil: (trouble) => {
      for (const command of ['a', 'g']) emulator.fault(command, faults[trouble], 100)
    },
    mend: () => emulator.mend(),
  }
}

const KINDS = [
  { kind: 'https', setting: httpsSetting, troubles: Object.keys(TROUBLES) as Trouble[] },
  // A file neither hangs nor goes on for ever.
  { kind: 'file', setting: fileSetting, troubles: ['foreign', 'truncated', 'away'] as Trouble[] },
  { kind: 'mega', setting: megaSetting, troubles: Object.keys(TROUBLES) as Trouble[] },
] as const

const codeOf = (result: Promise<unknown>): Promise<string> =>
  result.then(
    () => 'none',
    (error: unknown) => (error instanceof ClawError ? error.code : `other: ${error}`),
  )

describe.each(KINDS)('$kind', ({ setting, troubles }) => {
  test('holds nothing at first, then the newest record, byte for byte', async () => {
    const { store } = await setting()
    expect(await store.get()).toBeNull()
    await store.put(5, record(1))
    expect(await store.get()).toEqual(record(1))
    await store.put(6, record(2))
    await store.put(7, record(255))
    expect(await store.get()).toEqual(record(255))
  })

  test('takes nothing that is no record', async () => {
    const { store } = await setting()
    await store.put(5, record(1))
    for (const length of [0, RECORD_BYTES - 1, RECORD_BYTES + 1]) {
      expect(await codeOf(store.put(6, new Uint8Array(length)))).toBe('record-malformed')
    }
    expect(await store.get()).toEqual(record(1))
  })

  test.each(troubles)(
    '%s: two codes, in time, and what it held is there again',
    async (trouble) => {
      const { store, spoil, mend } = await setting()
      await store.put(5, record(1))
      await spoil(trouble)
      const silent = trouble === 'hangs' || trouble === 'away'
      expect(await codeOf(store.get())).toBe(silent ? 'store-unreachable' : 'store-refused')
      if (silent) expect(await codeOf(store.put(6, record(2)))).toBe('store-unreachable')
      await mend()
      expect((await store.get())?.length).toBe(RECORD_BYTES)
      await store.put(7, record(3))
      expect(await store.get()).toEqual(record(3))
    },
  )
})

test('a file is whole for whoever looks at it, alone in its folder and readable by a web server', async () => {
  const { store } = await fileSetting()
  await store.put(1, record(1))
  expect(readdirSync(join(dir, 'a'))).toEqual(['record'])
  expect(statSync(join(dir, 'a', 'record')).mode & 0o444).toBe(0o444)
})

test('an endpoint: token for the first write, counters only upwards', async () => {
  const url = await serve(endpoint())
  const bare = httpsStore({ name: 'x', url, writeSecret })
  expect(await codeOf(bare.put(5, record(1)))).toBe('store-token')
  await httpsStore({ name: 'x', url, writeSecret, token: 'token' }).put(5, record(1))
  await bare.put(6, record(2))
  expect(await codeOf(bare.put(6, record(3)))).toBe('store-refused')
  expect(await bare.get()).toEqual(record(2))
})

test('an endpoint: what passes is tried again, what does not is a refusal', async () => {
  let status = 200
  const url = await serve((_, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end()
  })
  const store = httpsStore({ name: 'x', url, writeSecret })
  for (status of [429, 500, 503, 302, 307]) {
    expect(await codeOf(store.put(1, record(1))), `${status}`).toBe('store-unreachable')
  }
  for (status of [400, 403, 409, 413]) {
    expect(await codeOf(store.put(1, record(1))), `${status}`).toBe('store-refused')
  }
  const gone = httpsStore({ name: 'x', url: 'http://127.0.0.1:1', writeSecret })
  expect(await codeOf(gone.get())).toBe('store-unreachable')
})

test('each question has a connection of its own: one that was kept could belong to a network that is gone', async () => {
  const sockets = new Set<unknown>()
  const url = await serve((request, answer) => {
    sockets.add(request.socket)
    answer.statusCode = 404
    answer.end()
  })
  const store = httpsStore({ name: 'x', url, writeSecret })
  for (let i = 0; i < 3; i++) expect(await store.get()).toBe(null)
  expect(sockets.size).toBe(3)
})
