// The contract of a mailbox (SPEC §4.4), over real WebSockets: the same tests for Node and for workerd.
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { concat, fromHex, toHex, toUtf8, u64 } from '../../shared/bytes.ts'
import { RELAY_BURST, RELAY_PER_SECOND } from '../../shared/constants.ts'
import { sha256 } from '../../shared/hash.ts'
import { ed25519PublicKey, ed25519Sign } from '../../shared/noble.ts'
import { type Endpoint, put, writer } from './endpoint.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

/** One end of a WebSocket as a queue: what came, in order; the close code last. */
class Wire {
  readonly socket: WebSocket
  readonly opened: Promise<unknown>
  readonly #came: (Uint8Array | number)[] = []
  #wake: () => void = () => undefined

  constructor(url: string, protocol: string) {
    this.socket = new WebSocket(url, protocol)
    this.socket.on('message', (data: Buffer, isBinary) =>
      this.#take(isBinary ? new Uint8Array(data) : toUtf8(String(data))),
    )
    this.socket.on('close', (code) => this.#take(code))
    this.socket.on('error', () => undefined)
    this.opened = new Promise((opened) => this.socket.once('open', opened))
  }

  #take(what: Uint8Array | number): void {
    this.#came.push(what)
    this.#wake()
  }

  async next(): Promise<Uint8Array | number> {
    for (;;) {
      const [first] = this.#came
      if (first !== undefined) {
        this.#came.shift()
        return first
      }
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  send(bytes: Uint8Array | string): void {
    this.socket.send(bytes)
  }
}

/** `endpoint`: asked in each test, since it starts in a hook. `sleeps`: sockets stay open while its memory goes. */
export function mailboxContract(endpoint: () => Endpoint, sleeps: boolean): void {
  const wires: Wire[] = []
  afterEach(() => {
    for (const { socket } of wires.splice(0)) socket.terminate()
  })
  const open = (path: string, protocol = 'clawchat.v1'): Wire => {
    const wire = new Wire(`${endpoint().url.replace('http', 'ws')}${path}`, protocol)
    wires.push(wire)
    return wire
  }
  const hintsOf = (...own: Uint8Array[]): Uint8Array =>
    concat(...own, ...Array.from({ length: 192 - own.length }, () => random(8)))
  const clientOf = (id: string, hint: Uint8Array): Wire =>
    open(`/v1/mailbox/${id}`, `clawchat.v1.${toHex(hint)}`)

  /** Written out by hand from the SPEC. */
  function proof(
    secret: Uint8Array,
    id: string,
    challenge: Uint8Array,
    hints: Uint8Array,
    origin = endpoint().url,
  ): Uint8Array {
    const signed = concat(
      toUtf8('clawchat/v1 mailbox\0'),
      fromHex(id),
      sha256(toUtf8(origin)),
      challenge,
      u64(1234),
      sha256(hints),
    )
    const key = ed25519PublicKey(secret)
    return concat(Uint8Array.of(0), key, u64(1234), ed25519Sign(secret, signed), hints)
  }

  async function challengeOf(wire: Wire): Promise<Uint8Array> {
    const first = (await wire.next()) as Uint8Array
    expect([first.length, first[0]]).toEqual([33, 0])
    return first.slice(1)
  }

  /** A host that is in, with its record. */
  async function hostWith(hints: Uint8Array, known = writer()) {
    if (known.id !== undefined) await put(endpoint(), known.id, known.body(Date.now()))
    const wire = open(`/v1/mailbox/${known.id}/host`)
    wire.send(proof(known.secret, known.id, await challengeOf(wire), hints))
    expect(await wire.next()).toEqual(Uint8Array.of(1))
    return { ...known, wire }
  }

  const data = (n: Uint8Array, bytes: Uint8Array): Uint8Array => concat(Uint8Array.of(2), n, bytes)

  describe('a mailbox', () => {
    test('carries messages of several clients both ways, and tells who has gone', async () => {
      const [one, two] = [random(8), random(8)]
      const { wire: host, id } = await hostWith(hintsOf(one, two))
      const clients = [clientOf(id, one), clientOf(id, two)] as const
      const numbers: Uint8Array[] = []
      for (const [i, client] of clients.entries()) {
        await client.opened
        client.send(Uint8Array.of(7, i))
        const came = (await host.next()) as Uint8Array
        expect([came[0], ...came.slice(3)]).toEqual([2, 7, i])
        numbers.push(came.slice(1, 3))
        host.send(data(came.slice(1, 3), Uint8Array.of(9, i)))
        expect(await client.next()).toEqual(Uint8Array.of(9, i))
      }
      expect(toHex(numbers[0] as Uint8Array)).not.toBe(toHex(numbers[1] as Uint8Array))
      clients[0].socket.close()
      expect(await host.next()).toEqual(concat(Uint8Array.of(3), numbers[0] as Uint8Array))
      host.send(concat(Uint8Array.of(3), numbers[1] as Uint8Array))
      expect(await clients[1].next()).toBe(4404)
    })

    test('has nobody for an unknown hint, none, another id, and once the host is gone', async () => {
      const hint = random(8)
      const { wire: host, id } = await hostWith(hintsOf(hint))
      expect(await clientOf(id, random(8)).next()).toBe(4404)
      expect(await open(`/v1/mailbox/${id}`).next()).toBe(4404)
      expect(await clientOf(writer().id, hint).next()).toBe(1006)
      const client = clientOf(id, hint)
      await client.opened
      client.send(Uint8Array.of(1))
      await host.next()
      host.socket.close()
      expect(await client.next()).toBe(4404)
      expect(await clientOf(id, hint).next()).toBe(4404)
    })

    test('knows a new set of hints from the moment it is told', async () => {
      const [old, fresh] = [random(8), random(8)]
      const { wire: host, id } = await hostWith(hintsOf(old))
      host.send(concat(Uint8Array.of(1), hintsOf(fresh)))
      // An answer to what came behind it shows that it is known.
      host.send('ping')
      expect(await host.next()).toEqual(toUtf8('pong'))
      expect(await clientOf(id, old).next()).toBe(4404)
      const client = clientOf(id, fresh)
      await client.opened
      client.send(Uint8Array.of(5))
      expect(((await host.next()) as Uint8Array).slice(3)).toEqual(Uint8Array.of(5))
    })

    test('is not given to a host that proves another key, origin, challenge or id', async () => {
      const { id, secret, body } = writer()
      await put(endpoint(), id, body(5))
      const wrong: ((challenge: Uint8Array) => Uint8Array)[] = [
        (challenge) => proof(random(32), id, challenge, hintsOf()),
        (challenge) => proof(secret, id, challenge, hintsOf(), 'https://elsewhere.example'),
        () => proof(secret, id, random(32), hintsOf()),
        (challenge) => proof(secret, writer().id, challenge, hintsOf()),
        (challenge) => proof(secret, id, challenge, hintsOf()).slice(1),
        (challenge) => {
          const bytes = proof(secret, id, challenge, hintsOf())
          bytes[1640] = (bytes[1640] ?? 0) ^ 1
          return bytes
        },
        () => concat(Uint8Array.of(2, 0, 1), random(5)),
        () => Uint8Array.of(1),
        () => new Uint8Array(0),
      ]
      for (const bytes of wrong) {
        const wire = open(`/v1/mailbox/${id}/host`)
        wire.send(bytes(await challengeOf(wire)))
        expect(await wire.next()).toBe(4400)
      }
      expect(await clientOf(id, random(8)).next()).toBe(4404)
    })

    test('is nobody’s who has no record there, and wakes nothing', async () => {
      const { id } = writer()
      expect(await open(`/v1/mailbox/${id}/host`).next()).toBe(1006)
      expect(await endpoint().held(id)).toEqual({ tables: 0, rows: 0 })
    })

    test.each(['/v1/mailbox/x', `/v1/mailbox/${'A'.repeat(64)}`, '/v1/records/x', '/'])(
      'is not at %s',
      async (path) => expect(await open(path).next()).toBe(1006),
    )

    test('goes to the newest of two copies of a host', async () => {
      const hint = random(8)
      const first = await hostWith(hintsOf(hint))
      const second = await hostWith(hintsOf(hint), first)
      expect(await first.wire.next()).toBe(4409)
      const client = clientOf(first.id, hint)
      await client.opened
      client.send(Uint8Array.of(5))
      expect(((await second.wire.next()) as Uint8Array).slice(3)).toEqual(Uint8Array.of(5))
    })

    const whereItSleeps = sleeps ? test : () => undefined
    whereItSleeps('goes on after a sleep: host, hints, clients and their numbers', async () => {
      const hint = random(8)
      const { wire: host, id } = await hostWith(hintsOf(hint))
      const client = clientOf(id, hint)
      await client.opened
      client.send(Uint8Array.of(1))
      const first = (await host.next()) as Uint8Array
      await endpoint().forget(id)
      client.send(Uint8Array.of(2))
      expect(await host.next()).toEqual(data(first.slice(1, 3), Uint8Array.of(2)))
      await endpoint().forget(id)
      host.send(data(first.slice(1, 3), Uint8Array.of(3)))
      expect(await client.next()).toEqual(Uint8Array.of(3))
      await endpoint().forget(id)
      expect(await clientOf(id, random(8)).next()).toBe(4404)
      const other = clientOf(id, hint)
      await other.opened
      other.send(Uint8Array.of(4))
      expect(((await host.next()) as Uint8Array)[3]).toBe(4)
    })

    test('has four clients of one address and no fifth', async () => {
      const hint = random(8)
      const { wire: host, id } = await hostWith(hintsOf(hint))
      for (let i = 0; i < 4; i++) {
        const client = clientOf(id, hint)
        await client.opened
        client.send(Uint8Array.of(i))
        expect(((await host.next()) as Uint8Array)[3]).toBe(i)
      }
      expect(await clientOf(id, hint).next()).toBe(4429)
    })

    test('is fair: one client that floods is put out, and another one talks on beside it', async () => {
      const [flooding, honest] = [random(8), random(8)]
      const { wire: host, id } = await hostWith(hintsOf(flooding, honest))
      const [flood, client] = [clientOf(id, flooding), clientOf(id, honest)]
      await Promise.all([flood.opened, client.opened])
      let passed = 0
      const serve = async (): Promise<void> => {
        for (let gone = 0; gone < 2; ) {
          const came = (await host.next()) as Uint8Array
          if (came[0] === 3) gone += 1
          else if (came.length === 4) passed += 1
          else host.send(data(came.slice(1, 3), came.slice(3)))
        }
      }
      const served = serve()
      const startMs = performance.now()
      for (let i = 0; i < 5000; i++) flood.send(Uint8Array.of(1))
      for (let i = 0; i < 100; i++) {
        client.send(Uint8Array.of(7, i))
        expect(await client.next()).toEqual(Uint8Array.of(7, i))
      }
      expect(await flood.next()).toBe(4429)
      const seconds = (performance.now() - startMs) / 1000
      client.socket.close()
      await served
      expect(passed).toBeLessThanOrEqual(2 * (RELAY_BURST + RELAY_PER_SECOND * seconds) + 1)
    })

    test('ends a client that sends text, nothing, too much or too fast', async () => {
      const hint = random(8)
      const { wire: host, id } = await hostWith(hintsOf(hint))
      const cases: [send: (client: Wire) => void, code: number][] = [
        [(client) => client.send('text'), 4400],
        [(client) => client.send(new Uint8Array(0)), 4400],
        [(client) => client.send(new Uint8Array(16_385)), 4400],
        [
          (client) => {
            for (let i = 0; i < 5000; i++) client.send(Uint8Array.of(1))
          },
          4429,
        ],
      ]
      for (const [send, code] of cases) {
        const client = clientOf(id, hint)
        await client.opened
        send(client)
        expect(await client.next()).toBe(code)
        for (;;) if (((await host.next()) as Uint8Array)[0] === 3) break
      }
      const client = clientOf(id, hint)
      await client.opened
      client.send(new Uint8Array(16_384).fill(8))
      expect(((await host.next()) as Uint8Array).slice(3)).toEqual(new Uint8Array(16_384).fill(8))
    })
  })
}
