// When a device that is away is told, and by whom (host/pushing.ts, host/push.ts, host/pushservice.ts), with a push service that
// checks as a real one does.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase, Settings } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { Push } from '../../host/push.ts'
import { AWAY_MS, GAP_MS, type PushingInput, stepPushing } from '../../host/pushing.ts'
import { isPushEndpoint, postPush } from '../../host/pushservice.ts'
import { commitRevocation } from '../../host/revocation.ts'
import { Rooms } from '../../host/rooms.ts'
import { toHex } from '../../shared/bytes.ts'
import { PushService } from '../emulators/push.ts'

describe('when (a machine)', () => {
  /** Feeds inputs, wakes the machine when it asks for that, and tells when whom was told. */
  function run(inputs: readonly (readonly [atMs: number, input: PushingInput])[], untilMs: number) {
    let { state, wakeAt } = stepPushing(new Map(), { type: 'fired' }, 0)
    const told: [number, string][] = []
    const feed = (input: PushingInput, nowMs: number): void => {
      const step = stepPushing(state, input, nowMs)
      state = step.state
      wakeAt = step.wakeAt
      for (const device of step.due) told.push([nowMs, device])
    }
    for (const [atMs, input] of [...inputs, [untilMs, { type: 'here', device: '' }] as const]) {
      while (wakeAt !== null && wakeAt <= atMs) feed({ type: 'fired' }, wakeAt)
      feed(input, atMs)
    }
    return { told, wakeAt }
  }
  const news = (...devices: string[]): PushingInput => ({ type: 'news', devices })
  const here = (device: string): PushingInput => ({ type: 'here', device })

  test('after a while, once for what comes meanwhile, each device for itself', () => {
    const inputs = [
      [0, news('a', 'b')],
      [10, news('a')],
      [9000, here('b')],
    ] as const
    expect(run(inputs, 100_000)).toEqual({ told: [[AWAY_MS, 'a']], wakeAt: null })
  })

  test('then at gaps that double, until the device was here', () => {
    const often = Array.from({ length: 600 }, (_, i) => [i * 60_000, news('a')] as const)
    const { told } = run(often, 600 * 60_000)
    const gaps = told.slice(1).map(([atMs], i) => (atMs - (told[i]?.[0] ?? 0)) / 60_000)
    expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64, 64, 64])
    const again = run(
      [
        [0, news('a')],
        [20_000, here('a')],
        [30_000, news('a')],
      ],
      60_000,
    )
    expect(again.told.map(([atMs]) => atMs)).toEqual([AWAY_MS, 30_000 + AWAY_MS])
  })

  test('never too early or too often, whatever comes, and it ends idle', () => {
    const device = fc.constantFrom('a', 'b', 'c')
    const input = fc.oneof(
      fc.record({ type: fc.constant('news' as const), devices: fc.array(device) }),
      fc.record({ type: fc.constant('here' as const), device }),
    )
    const step = fc.tuple(fc.integer({ min: 0, max: 300_000 }), input)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let atMs = 0
        const inputs = steps.map(([waitMs, each]) => {
          atMs += waitMs
          return [atMs, each] as const
        })
        const { told, wakeAt } = run(inputs, atMs + 2 * GAP_MS.last)
        expect(wakeAt).toBeNull()
        for (const [toldMs, who] of told) {
          const was = (type: 'news' | 'here', from: number) =>
            inputs.some(
              ([at, each]) =>
                each.type === type &&
                at >= from &&
                at <= toldMs &&
                (each.type === 'news'
                  ? (each.devices as string[]).includes(who)
                  : each.device === who),
            )
          expect(was('news', 0)).toBe(true)
          const before = told.filter(([at, other]) => other === who && at < toldMs).at(-1)?.[0]
          if (before !== undefined && !was('here', before))
            expect(toldMs - before).toBeGreaterThanOrEqual(GAP_MS.first)
        }
      }),
    )
  })
})

describe('whom a member may make the host send to', () => {
  test('the services of the browsers, by https', () => {
    for (const url of [
      'https://fcm.googleapis.com/fcm/send/a:b',
      'https://updates.push.services.mozilla.com/wpush/v2/x',
      'https://web.push.apple.com/Q',
      'https://wns2-par02p.notify.windows.com/w/?token=x',
    ])
      expect(isPushEndpoint(url, []), url).toBe(true)
  })

  test('nothing else', () => {
    for (const url of [
      'http://fcm.googleapis.com/x',
      'https://fcm.googleapis.com:8443/x',
      'https://fcm.googleapis.com@127.0.0.1/x',
      'https://user@fcm.googleapis.com/x',
      'https://fcm.googleapis.com.example/x',
      'https://notfcm.googleapis.com/x',
      'https://evil-push.apple.com/x',
      'https://push.apple.com/x',
      'https://fcm.googleapis.com/x#y',
      'https://127.0.0.1/x',
      'https://[::1]/x',
      'https://192.168.1.1/x',
      'https://localhost/x',
      'file:///etc/passwd',
      'fcm.googleapis.com',
      '',
    ])
      expect(isPushEndpoint(url, []), url).toBe(false)
  })

  test('and what the owner adds, on its very port', () => {
    expect(isPushEndpoint('https://push.example/x', ['push.example'])).toBe(true)
    expect(isPushEndpoint('https://push.example:8443/x', ['push.example'])).toBe(false)
    expect(isPushEndpoint('https://push.example:8443/x', ['push.example:8443'])).toBe(true)
    expect(isPushEndpoint('https://a.push.example/x', ['push.example'])).toBe(false)
  })
})

describe('with a push service', () => {
  const ROOM = new Uint8Array(16)
  const random = (n: number) => new Uint8Array(randomBytes(n))
  let service: PushService
  let dir: string
  let db: ReturnType<typeof openDatabase>
  let members: Members
  let rooms: Rooms
  let push: Push
  let online: Set<string>
  let skippedMs: number

  const now = (): number => Date.now() + skippedMs
  const makePush = () =>
    new Push({
      ...{ database: db, settings: new Settings(db), random, now },
      // It wakes at once; what time it is then the test says.
      clockOffsetMs: 2 * AWAY_MS,
      isHere: (device) => online.has(device),
      ...{ services: [service.host], contact: null },
    })

  beforeEach(async () => {
    service = new PushService()
    await service.start()
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), service.cert])
    dir = mkdtempSync(join(tmpdir(), 'clawchat-push-'))
    db = openDatabase(dir)
    members = new Members(db, random)
    rooms = new Rooms(db, random)
    online = new Set()
    skippedMs = 0
    push = makePush()
  })
  afterEach(async () => {
    push.stop()
    db.close()
    rmSync(dir, { recursive: true })
    await service.close()
  })

  function enrol(name: string): string {
    const wish = { role: 'member', uses: 1, expiresMs: 60_000, note: '', rooms: [] } as const
    const secrets = { secret: random(32), hostPublicKey: random(32), nowMs: now() }
    const { id } = members.invite({ ...wish, ...secrets })
    const { deviceId } = members.reserve(id, random(32), name, now())
    const device = toHex(deviceId)
    members.confirm(device, now(), (fresh) => rooms.joinDevice(fresh))
    return device
  }
  let number = 0
  function post(device: string, text: string): readonly string[] {
    number += 1
    const event = { type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text } as const
    return rooms.receive(device, number, random(16), event, now()).touched
  }

  test('a device that is away is told, sealed, always in the same size, and by the key that it knows', async () => {
    number = 0
    const [ann, ben] = [enrol('Ann'), enrol('Ben')]
    push.put(ben, service.subscribe('ben'))
    const came = service.next()
    push.woken(post(ann, 'a text that nobody else may read'))
    skippedMs = AWAY_MS
    expect(await came).toBe(201)
    const [delivery] = service.deliveries
    expect(delivery).toMatchObject({ path: '/push/ben', plain: Uint8Array.of(1), bytes: 231 })
    expect(delivery).toMatchObject({ topic: 'news', ttl: '86400' })
    expect(delivery?.sender).toBe(Buffer.from(push.key()).toString('base64url'))
    // The key outlives the run.
    expect(makePush().key()).toEqual(push.key())
  })

  test('not who is here, who wrote it, or who has no subscription any more', async () => {
    number = 0
    const [ann, ben, cem] = [enrol('Ann'), enrol('Ben'), enrol('Cem')]
    for (const device of [ann, ben, cem]) push.put(device, service.subscribe(device))
    online.add(ben)
    push.drop(cem)
    push.woken(post(ann, 'first'))
    const last = service.next()
    // The one that is told tells that the others were not.
    const dan = enrol('Dan')
    push.put(dan, service.subscribe(dan))
    push.woken(post(ann, 'second'))
    skippedMs = AWAY_MS
    expect(await last).toBe(201)
    expect(service.deliveries.map(({ path }) => path)).toEqual([`/push/${dan}`])
  })

  test('a revoked device has no subscription; one that the service does not know is forgotten', async () => {
    number = 0
    const [ann, ben, cem] = [enrol('Ann'), enrol('Ben'), enrol('Cem')]
    for (const device of [ben, cem]) push.put(device, service.subscribe(device))
    commitRevocation(db, ben, [], now())
    service.forget(cem)
    const came = service.next()
    push.woken(post(ann, 'anybody?'))
    skippedMs = AWAY_MS
    expect(await came).toBe(404)
    await expect.poll(() => db.prepare('SELECT device FROM pushes').all()).toEqual([])
    expect(service.deliveries).toEqual([])
  })

  test('a subscription that is none changes nothing', () => {
    const ben = enrol('Ben')
    const good = service.subscribe('ben')
    push.put(ben, good)
    const before = db.prepare('SELECT * FROM pushes').all()
    const bad = [
      { ...good, endpoint: 'https://127.0.0.1/' },
      { ...good, p256dh: new Uint8Array(65) },
    ]
    for (const each of bad) expect(() => push.put(ben, each)).toThrow('push-refused')
    expect(db.prepare('SELECT * FROM pushes').all()).toEqual(before)
  })

  test('a redirect leads nowhere', async () => {
    const other = new PushService()
    await other.start()
    try {
      const { endpoint } = service.subscribe('ben')
      service.refusal = 307
      service.location = other.subscribe('ben').endpoint
      expect(await postPush(endpoint, 'vapid', new Uint8Array(1))).toBe('failed')
      expect(other.requests).toBe(0)
    } finally {
      await other.close()
    }
  })
})
