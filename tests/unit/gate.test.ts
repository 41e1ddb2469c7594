// The knock gate under virtual time: each limit of SPEC §4.1 at the limit and one over, replay, paths, and the clock.
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Decision, Gate, LIMIT, type Path, pathKey } from '../../host/gate.ts'
import { encodeBindingRequest, parseBindingRequest } from '../../host/stun.ts'
import { fromHex } from '../../shared/bytes.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../../shared/knock.ts'

const EPOCH = 500
const HOUR = 3_600_000
const TAG = hostTag(new Uint8Array(32).fill(9))
const ROOT_A = new Uint8Array(32).fill(1)
const ROOT_B = new Uint8Array(32).fill(2)

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const rootOf = (i: number): Uint8Array => {
  const root = new Uint8Array(32).fill(3)
  root.set([i >> 8, i & 255])
  return root
}
const at = (address: string, port = 1000, socket = 'here'): Path => ({ socket, address, port })

interface Choice {
  readonly root?: Uint8Array
  readonly epoch?: number
  readonly nonce?: Uint8Array
  readonly tag?: Uint8Array
  readonly route?: 'direct' | 'relay'
}
interface Knock {
  readonly ufrag: string
  readonly password: string
  readonly nonce: Uint8Array
}

function makeKnock(choice: Choice = {}): Knock {
  const root = choice.root ?? ROOT_A
  const nonce = choice.nonce ?? random(12)
  const knock = sealKnock({
    root,
    hostTag: choice.tag ?? TAG,
    epoch: choice.epoch ?? EPOCH,
    route: choice.route ?? 'direct',
    timeMs: 1,
    clientFingerprint: new Uint8Array(32).fill(4),
    nonce,
    clientUfrag: 'abcd',
  })
  return { ufrag: knockUfrag(knock), password: icePassword(root, nonce), nonce }
}

function request(
  knock: { readonly ufrag: string; readonly password: string },
  transaction = randomBytes(12),
  clientUfrag = 'abcd',
) {
  const username = `${knock.ufrag}:${clientUfrag}`
  const { password } = knock
  const parsed = parseBindingRequest(
    encodeBindingRequest({ transaction, username, password, useCandidate: false }),
  )
  if (parsed === null) throw new Error('bug: the request cannot be parsed')
  return parsed
}

const JUNK = { ufrag: 'A'.repeat(124), password: 'p'.repeat(24) }

const credentials = (roots: readonly Uint8Array[]) => roots.map((root, i) => ({ id: `${i}`, root }))

function makeGate(roots: readonly Uint8Array[] = [ROOT_A, ROOT_B]): Gate {
  const gate = new Gate(TAG, [], 0)
  gate.setCredentials(credentials(roots), EPOCH)
  return gate
}

function admitted(decision: Decision) {
  if (decision.type !== 'admit') throw new Error(`expected admit, got ${decision.type}`)
  return decision
}

describe('admission', () => {
  it('names credential, epoch, fingerprint and password', () => {
    const knock = makeKnock({ root: ROOT_B, epoch: EPOCH - 1 })
    const { peer, nonce, untilEpoch } = admitted(
      makeGate().handle(request(knock), at('192.0.2.1'), 0),
    )
    expect(peer.credentialId).toBe('1')
    expect(peer.epoch).toBe(EPOCH - 1)
    expect(peer.clientFingerprint).toEqual(new Uint8Array(32).fill(4))
    expect(peer.password).toBe(knock.password)
    expect(peer.clientUfrag).toBe('abcd')
    expect(fromHex(nonce)).toEqual(knock.nonce)
    expect(untilEpoch).toBe(EPOCH + 1)
  })

  it('takes the next check as one of the same peer', () => {
    const gate = makeGate()
    const knock = makeKnock()
    const first = admitted(gate.handle(request(knock), at('192.0.2.1'), 0))
    const second = gate.handle(request(knock), at('192.0.2.1'), 50)
    expect(second).toEqual({ type: 'check', peer: first.peer })
  })

  it('accepts hints of epochs -2 to +2', () => {
    const types = [-3, -2, -1, 0, 1, 2, 3].map((d, i) => {
      const knock = makeKnock({ epoch: EPOCH + d, root: i % 2 === 0 ? ROOT_A : ROOT_B })
      return makeGate().handle(request(knock), at('192.0.2.1'), 0).type
    })
    expect(types).toEqual(['drop', 'admit', 'admit', 'admit', 'admit', 'admit', 'drop'])
  })

  it.each([
    ['an unknown root', makeKnock({ root: rootOf(7) })],
    ['another host', makeKnock({ tag: random(16) })],
    ['another route', makeKnock({ route: 'relay' })],
    ['a wrong password', { ...makeKnock(), password: 'x'.repeat(24) }],
    ['no base64', { ...makeKnock(), ufrag: '='.repeat(124) }],
    ['123 characters', { ...makeKnock(), ufrag: makeKnock().ufrag.slice(1) }],
    ['125 characters', { ...makeKnock(), ufrag: `${makeKnock().ufrag}A` }],
  ])('drops %s', (_, knock) => {
    expect(makeGate().handle(request(knock), at('192.0.2.1'), 0)).toEqual({ type: 'drop' })
  })

  it("drops another client's ufrag, first and later", () => {
    const gate = makeGate()
    const knock = makeKnock()
    const other = () => request(knock, randomBytes(12), 'efgh')
    expect(gate.handle(other(), at('192.0.2.1'), 0).type).toBe('drop')
    admitted(gate.handle(request(knock), at('192.0.2.1'), 0))
    expect(gate.handle(other(), at('192.0.2.1'), 0).type).toBe('drop')
  })

  it('drops a knock with any character changed, and admits the original after all of them', () => {
    const gate = makeGate()
    const knock = makeKnock()
    for (let i = 0; i < knock.ufrag.length; i++) {
      const other = knock.ufrag[i] === 'A' ? 'Q' : 'A'
      const ufrag = `${knock.ufrag.slice(0, i)}${other}${knock.ufrag.slice(i + 1)}`
      // A second apart, so that the limit of failures plays no part.
      expect(gate.handle(request({ ...knock, ufrag }), at('192.0.2.1'), i * 1000).type).toBe('drop')
    }
    admitted(gate.handle(request(knock), at('192.0.2.1'), 200_000))
  })

  it('forgets a withdrawn credential at once', () => {
    const gate = makeGate()
    gate.setCredentials(credentials([ROOT_A]), EPOCH)
    const knock = makeKnock({ root: ROOT_B })
    expect(gate.handle(request(knock), at('192.0.2.1'), 0).type).toBe('drop')
  })
})

describe('replay', () => {
  it('refuses a nonce after its peer closed until its epochs have left the window', () => {
    const gate = makeGate()
    const knock = makeKnock()
    const { peer } = admitted(gate.handle(request(knock), at('192.0.2.1'), 0))
    gate.close(peer.key)
    for (const epoch of [EPOCH, EPOCH + 1, EPOCH + 2, EPOCH + 3, EPOCH + 9]) {
      gate.setCredentials(credentials([ROOT_A]), epoch)
      expect(gate.handle(request(knock), at('192.0.2.1'), 0).type).toBe('drop')
    }
  })

  it('refuses it too after a restart', () => {
    const knock = makeKnock()
    const { nonce, untilEpoch } = admitted(makeGate().handle(request(knock), at('192.0.2.1'), 0))
    const gate = new Gate(TAG, [{ nonce, untilEpoch }], 0)
    gate.setCredentials(credentials([ROOT_A]), EPOCH + 2)
    expect(gate.handle(request(knock), at('192.0.2.1'), 0).type).toBe('drop')
  })

  it('refuses nonces of an old epoch while the clock is back in it', () => {
    const gate = makeGate()
    gate.setCredentials(credentials([ROOT_A]), EPOCH + 1000)
    gate.setCredentials(credentials([ROOT_A]), EPOCH)
    const knock = makeKnock()
    const { peer } = admitted(gate.handle(request(knock), at('192.0.2.1'), 0))
    gate.close(peer.key)
    gate.setCredentials(credentials([ROOT_A]), EPOCH)
    expect(gate.handle(request(knock), at('192.0.2.1'), 0).type).toBe('drop')
  })

  it('remembers later nonces through a clock that jumps back and forth', () => {
    const gate = makeGate()
    const knock = makeKnock()
    gate.close(admitted(gate.handle(request(knock), at('192.0.2.1'), 0)).peer.key)
    gate.setCredentials(credentials([ROOT_A]), EPOCH - 400)
    gate.setCredentials(credentials([ROOT_A]), EPOCH)
    expect(gate.handle(request(knock), at('192.0.2.1'), 0).type).toBe('drop')
  })

  it('refuses a nonce that a jump of the clock made look old, also after a restart', () => {
    const gate = makeGate()
    const knock = makeKnock()
    const { peer, nonce, untilEpoch } = admitted(gate.handle(request(knock), at('192.0.2.1'), 0))
    gate.close(peer.key)
    const restarted = new Gate(TAG, [{ nonce, untilEpoch }], 0)
    for (const each of [gate, restarted]) {
      each.setCredentials(credentials([ROOT_A]), EPOCH + 1000)
      expect(each.forget(EPOCH + 1000, 4 * HOUR, HOUR)).toEqual([])
      each.setCredentials(credentials([ROOT_A]), EPOCH)
      expect(each.handle(request(knock), at('192.0.2.1'), 4 * HOUR).type).toBe('drop')
      expect(each.forget(EPOCH + 2, 5 * HOUR, HOUR)).toEqual([])
      expect(each.forget(EPOCH + 3, 5 * HOUR, HOUR)).toEqual([nonce])
    }
  })

  it('spends no token on a replay', () => {
    const gate = makeGate()
    const knock = makeKnock()
    gate.close(admitted(gate.handle(request(knock), at('192.0.2.1'), 0)).peer.key)
    for (let i = 0; i < 200; i++) gate.handle(request(knock), at('192.0.2.1'), 0)
    admitted(gate.handle(request(makeKnock()), at('192.0.2.1'), 0))
  })
})

describe('failures per source', () => {
  const fail = (gate: Gate, address: string, times: number, nowMs = 0): void => {
    for (let i = 0; i < times; i++) gate.handle(request(JUNK), at(address), nowMs)
  }
  const knocks = (gate: Gate, address: string, nowMs = 0): string =>
    gate.handle(request(makeKnock()), at(address), nowMs).type

  it(`still reads after ${LIMIT.failureBurst - 1}, and not after ${LIMIT.failureBurst}`, () => {
    const below = makeGate()
    fail(below, '192.0.2.1', LIMIT.failureBurst - 1)
    expect(knocks(below, '192.0.2.1')).toBe('admit')
    const above = makeGate()
    fail(above, '192.0.2.1', LIMIT.failureBurst)
    expect(knocks(above, '192.0.2.1')).toBe('drop')
  })

  it('leaves no nonce when a knock falls to it', () => {
    const gate = makeGate()
    fail(gate, '192.0.2.1', LIMIT.failureBurst)
    const knock = makeKnock()
    expect(gate.handle(request(knock), at('192.0.2.1'), 0).type).toBe('drop')
    expect(gate.handle(request(knock), at('192.0.2.1'), 50).type).toBe('admit')
  })

  it('gains 20 a second, up to the burst', () => {
    const gate = makeGate()
    fail(gate, '192.0.2.1', LIMIT.failureBurst)
    expect(knocks(gate, '192.0.2.1', 49)).toBe('drop')
    expect(knocks(gate, '192.0.2.1', 50)).toBe('admit')
    fail(gate, '192.0.2.1', LIMIT.failureBurst, 3_600_000)
    expect(knocks(gate, '192.0.2.1', 3_600_000)).toBe('drop')
  })

  it('holds through a clock that jumps back', () => {
    const gate = makeGate()
    fail(gate, '192.0.2.1', LIMIT.failureBurst, 1_000_000)
    expect(knocks(gate, '192.0.2.1', 0)).toBe('drop')
    expect(knocks(gate, '192.0.2.1', 50)).toBe('admit')
  })

  it('counts an IPv4 address by itself', () => {
    const gate = makeGate()
    fail(gate, '192.0.2.1', LIMIT.failureBurst)
    expect(knocks(gate, '192.0.2.2')).toBe('admit')
  })

  it('counts IPv6 by /56', () => {
    const gate = makeGate()
    fail(gate, '2001:db8:0:1200::1', LIMIT.failureBurst)
    expect(knocks(gate, '2001:db8:0:12ff:1::2')).toBe('drop')
    expect(knocks(gate, '2001:db8:0:1300::1')).toBe('admit')
  })

  it('counts neither checks nor admissions', () => {
    const gate = makeGate()
    const knock = makeKnock()
    for (let i = 0; i < 500; i++) {
      expect(gate.handle(request(knock), at('192.0.2.1'), 0).type).not.toBe('drop')
    }
  })
})

describe('half-open peers', () => {
  it(`are at most ${LIMIT.halfOpenPerCredential} per credential, until one lives or closes`, () => {
    const gate = makeGate()
    const open = (port: number) => gate.handle(request(makeKnock()), at('192.0.2.1', port), 0)
    const first = Array.from({ length: LIMIT.halfOpenPerCredential }, (_, i) =>
      admitted(open(i + 1)),
    )
    expect(open(100).type).toBe('drop')
    expect(gate.handle(request(makeKnock({ root: ROOT_B })), at('192.0.2.1', 200), 0).type).toBe(
      'admit',
    )
    gate.markLive(first[0]?.peer.key ?? '')
    expect(open(101).type).toBe('admit')
    expect(open(102).type).toBe('drop')
    gate.close(first[1]?.peer.key ?? '')
    expect(open(103).type).toBe('admit')
  })

  it(`are at most ${LIMIT.halfOpen} in all`, () => {
    const gate = makeGate(Array.from({ length: LIMIT.halfOpen + 1 }, (_, i) => rootOf(i)))
    const open = (i: number) =>
      gate.handle(request(makeKnock({ root: rootOf(i) })), at('192.0.2.1', 1 + i), 0)
    const peers = Array.from({ length: LIMIT.halfOpen }, (_, i) => admitted(open(i)).peer)
    expect(open(LIMIT.halfOpen).type).toBe('drop')
    gate.markLive(peers[0]?.key ?? '')
    expect(open(LIMIT.halfOpen).type).toBe('admit')
  })

  it('leave no nonce and spend no token when refused', () => {
    const gate = makeGate()
    const peers = Array.from(
      { length: LIMIT.halfOpenPerCredential },
      (_, i) => admitted(gate.handle(request(makeKnock()), at('192.0.2.1', i + 1), 0)).peer,
    )
    const knock = makeKnock()
    for (let i = 0; i < 200; i++) {
      expect(gate.handle(request(knock), at('192.0.2.1', 99), 0).type).toBe('drop')
    }
    gate.close(peers[0]?.key ?? '')
    expect(gate.handle(request(knock), at('192.0.2.1', 99), 0).type).toBe('admit')
  })
})

describe('new nonces', () => {
  it(`are at most ${LIMIT.noncesPerMinute} per credential and minute`, () => {
    const gate = makeGate()
    const open = (nowMs: number, root = ROOT_A): string => {
      const decision = gate.handle(request(makeKnock({ root })), at('192.0.2.1'), nowMs)
      if (decision.type === 'admit') gate.close(decision.peer.key)
      return decision.type
    }
    for (let i = 0; i < LIMIT.noncesPerMinute; i++) expect(open(i)).toBe('admit')
    expect(open(59_999)).toBe('drop')
    expect(open(59_999, ROOT_B)).toBe('admit')
    expect(open(60_000)).toBe('admit')
    expect(open(60_000)).toBe('drop')
  })
})

describe('paths', () => {
  const open = (gate: Gate, knock: Knock, path = at('192.0.2.1')) =>
    admitted(gate.handle(request(knock), path, 0)).peer

  it(`are at most ${LIMIT.addresses}`, () => {
    const gate = makeGate()
    const knock = makeKnock()
    open(gate, knock, at('192.0.2.1', 1))
    const on = (port: number): string => gate.handle(request(knock), at('192.0.2.1', port), 1).type
    for (let port = 2; port <= LIMIT.addresses; port++) expect(on(port)).toBe('check')
    expect(on(LIMIT.addresses + 1)).toBe('drop')
    expect(on(1)).toBe('check')
  })

  it('are added within 30 s only, and the known ones stay', () => {
    const gate = makeGate()
    const knock = makeKnock()
    open(gate, knock)
    const on = (port: number, nowMs: number): string =>
      gate.handle(request(knock), at('192.0.2.1', port), nowMs).type
    expect(on(2, LIMIT.admissionMs)).toBe('check')
    expect(on(3, LIMIT.admissionMs + 1)).toBe('drop')
    expect(on(2, LIMIT.admissionMs + 1)).toBe('check')
  })

  it('are added to no peer that is live: a check that never arrived may be replayed', () => {
    const gate = makeGate()
    const knock = makeKnock()
    const { key } = open(gate, knock)
    expect(gate.handle(request(knock), at('192.0.2.1', 2), 1).type).toBe('check')
    gate.markLive(key)
    expect(gate.handle(request(knock), at('192.0.2.1', 3), 1).type).toBe('drop')
    expect(gate.handle(request(knock), at('192.0.2.1', 2), 1).type).toBe('check')
  })

  it('are told apart by socket, address and port', () => {
    const keys = [
      at('192.0.2.1'),
      at('192.0.2.2'),
      at('192.0.2.1', 1),
      at('192.0.2.1', 1000, 'there'),
    ]
    expect(new Set(keys.map(pathKey)).size).toBe(4)
  })

  it('are not added by a replayed transaction', () => {
    const gate = makeGate()
    const knock = makeKnock()
    const captured = randomBytes(12)
    admitted(gate.handle(request(knock, captured), at('192.0.2.1'), 0))
    const elsewhere = at('198.51.100.1')
    expect(gate.handle(request(knock, captured), elsewhere, 1).type).toBe('drop')
    expect(gate.handle(request(knock), elsewhere, 1).type).toBe('check')
  })

  it(`are not added once ${LIMIT.transactions} transactions are kept`, () => {
    const gate = makeGate()
    const knock = makeKnock()
    open(gate, knock)
    const fill = (times: number): void => {
      for (let i = 0; i < times; i++) gate.handle(request(knock), at('192.0.2.1'), 1)
    }
    fill(LIMIT.transactions - 2)
    expect(gate.handle(request(knock), at('192.0.2.2'), 1).type).toBe('check')
    expect(gate.handle(request(knock), at('192.0.2.3'), 1).type).toBe('drop')
    expect(gate.handle(request(knock), at('192.0.2.1'), 1).type).toBe('check')
  })

  it('of a live peer are not given to another while it was heard within 30 s', () => {
    const gate = makeGate()
    const path = at('192.0.2.1')
    const first = open(gate, makeKnock(), path)
    gate.markLive(first.key)
    const knock = makeKnock({ root: ROOT_B })
    expect(gate.handle(request(knock), path, LIMIT.heardMs - 1).type).toBe('drop')
    gate.heard(first.key, pathKey(path), 20_000)
    expect(gate.handle(request(knock), path, LIMIT.heardMs).type).toBe('drop')
    expect(gate.handle(request(knock), path, 20_000 + LIMIT.heardMs - 1).type).toBe('drop')
    expect(gate.handle(request(knock), path, 20_000 + LIMIT.heardMs).type).toBe('admit')
  })

  it('of a live peer are not added to another either', () => {
    const gate = makeGate()
    const theirs = at('192.0.2.1')
    open(gate, makeKnock(), theirs)
    const knock = makeKnock({ root: ROOT_B })
    open(gate, knock, at('198.51.100.1'))
    expect(gate.handle(request(knock), theirs, 1).type).toBe('drop')
  })

  it('that passed to another peer are not taken back', () => {
    const gate = makeGate()
    const path = at('192.0.2.1')
    const old = makeKnock()
    open(gate, old, path)
    const fresh = makeKnock({ root: ROOT_B })
    admitted(gate.handle(request(fresh), path, LIMIT.heardMs))
    expect(gate.handle(request(old), path, LIMIT.heardMs + 1).type).toBe('drop')
    expect(gate.handle(request(fresh), path, LIMIT.heardMs + 2).type).toBe('check')
  })

  it('of a closed peer are free at once', () => {
    const gate = makeGate()
    const path = at('192.0.2.1')
    gate.close(open(gate, makeKnock(), path).key)
    expect(gate.handle(request(makeKnock({ root: ROOT_B })), path, 1).type).toBe('admit')
  })

  it('tell when the peer was last heard, on any of them', () => {
    const gate = makeGate()
    const knock = makeKnock()
    const peer = open(gate, knock)
    gate.handle(request(knock), at('192.0.2.2'), 700)
    expect(gate.lastHeard(peer.key)).toBe(700)
    gate.heard(peer.key, pathKey(at('192.0.2.1')), 900)
    expect(gate.lastHeard(peer.key)).toBe(900)
    gate.heard(peer.key, pathKey(at('203.0.113.1')), 5000)
    expect(gate.lastHeard(peer.key)).toBe(900)
  })
})
