// shared/, and the host's STUN, against what tests/reference made: every list of clawchat-v1.json that reference.test.ts
// does not read. A vector that is refused names its one code.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeBindingRequest, encodeBindingSuccess, parseBindingRequest } from '../../host/stun.ts'
import { concat, fromHex, Reader, toHex, Writer } from '../../shared/bytes.ts'
import { MODE, type Mode, ROUTE, type Route } from '../../shared/constants.ts'
import { openAnswer, openOffer, sealAnswer, sealOffer } from '../../shared/envelope.ts'
import { ClawError } from '../../shared/error.ts'
import { answerHandshake, startHandshake } from '../../shared/handshake.ts'
import { sha256 as hash, kdf } from '../../shared/hash.ts'
import { decodeInvite, encodeInvite, inviteRoot } from '../../shared/invite.ts'
import { hostTag, knockHint, openKnock, parseKnock } from '../../shared/knock.ts'
import { writeLocator } from '../../shared/locator.ts'
import { encodeProof, signalHints } from '../../shared/mailbox.ts'
import { gcmSeal, nobleBackend } from '../../shared/noble.ts'
import { settleOutbox } from '../../shared/outbox.ts'
import { decodePut, encodePut, storageId } from '../../shared/put.ts'
import { openRecord } from '../../shared/record.ts'
import { safetyCode } from '../../shared/safety.ts'
import { Opener, Sealer } from '../../shared/session.ts'
import { scripted } from '../vectors/fixed.ts'
import { VECTORS_FILE } from '../vectors/make.ts'
import { type Change, changed, expand, type Notation } from '../vectors/notation.ts'

// biome-ignore lint/suspicious/noExplicitAny: the file's shapes are in tests/vectors/README.md; a wrong one fails here
type Vector = any
const vectors = JSON.parse(readFileSync(VECTORS_FILE, 'utf8')) as Record<string, Vector[]>
const list = (key: string, count: number): Vector[] => {
  const found = vectors[key] ?? []
  expect(found.length, key).toBe(count)
  return found
}

async function codeOf(run: () => unknown): Promise<string | null> {
  try {
    await run()
    return null
  } catch (error) {
    if (error instanceof ClawError) return error.code
    throw error
  }
}

const routeOf = (code: number): Route =>
  (Object.keys(ROUTE) as Route[]).find((name) => ROUTE[name] === code) ?? 'direct'
const modeOf = (code: number): Mode => (code === MODE.enrol ? 'enrol' : 'connect')
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const record = fromHex(vectors.record?.[0].record)

test('every list of the file is read by a test', () => {
  const elsewhere = ['about', 'handshake', 'knock', 'record', 'frame']
  const inWire = ['message', 'messageRefused', 'event', 'eventRefused', 'fileHash']
  const here = [
    ...['kdf', 'hostTag', 'invite', 'inviteRefused', 'handshakeRefused', 'knockHint'],
    ...[
      'knockRefused',
      'mailbox',
      'envelope',
      'envelopeRefused',
      'stun',
      'stunRefused',
      'recordBody',
      'put',
      'frameSequence',
    ],
    ...['frameRefused', 'resume', 'safety'],
  ]
  expect(Object.keys(vectors).sort()).toEqual([...elsewhere, ...inWire, ...here].sort())
})

describe('keys and links', () => {
  test.each(list('kdf', 12))('kdf of "$label", "$context"', (v) => {
    expect(toHex(kdf(fromHex(v.root), v.label, fromHex(v.context)))).toBe(v.key)
  })

  test.each(list('hostTag', 1))('host tag', (v) => {
    expect(toHex(hostTag(fromHex(v.hostPublicKey)))).toBe(v.hostTag)
  })

  test.each(list('invite', 4))('invite: $what', (v) => {
    const invite = decodeInvite(v.fragment)
    const { hostPublicKey, secret, minSeq, hostName, locator } = invite
    expect([toHex(hostPublicKey), toHex(secret), minSeq, hostName]).toEqual([
      v.hostPublicKey,
      v.secret,
      v.minSeq,
      v.hostName,
    ])
    expect(toHex(inviteRoot(invite))).toBe(v.root)
    expect(encodeInvite(invite)).toBe(v.fragment)
    const written = new Writer()
    writeLocator(written, locator)
    const reader = new Reader(written.done())
    const entries = Array.from({ length: reader.u8() }, () => ({
      type: reader.u8(),
      flags: reader.u8(),
      data: toHex(reader.bytes(reader.u16())),
    }))
    expect(entries).toEqual(v.locator)
  })

  test.each(list('inviteRefused', 48))('no invite: $what', async (v) => {
    expect(await codeOf(() => decodeInvite(v.fragment))).toBe(v.code)
  })

  test.each(list('safety', 2))('safety code $code', (v) => {
    const code = safetyCode(fromHex(v.hostPublicKey), fromHex(v.devicePublicKey))
    expect(code.join(' ')).toBe(v.code)
  })
})

describe('packets', () => {
  test.each(list('knockHint', 8))('hint of epoch $epoch', (v) => {
    expect(toHex(knockHint(fromHex(v.root), v.epoch))).toBe(v.hint)
  })

  test.each(list('mailbox', 3))('mailbox of $roots.length credentials', async (v) => {
    const writeSecret = fromHex(v.writeSecret)
    const hints = signalHints(v.roots.map(fromHex), v.epoch, writeSecret)
    expect(toHex(hints)).toBe(v.hints)
    const { origin, timeMs } = v
    const input = { origin, timeMs, challenge: fromHex(v.challenge), hints, sha256: hash }
    expect(toHex(await encodeProof(writeSecret, input))).toBe(v.proof)
  })

  test.each(list('envelope', 4))('envelope: $what', (v) => {
    const [root, tag] = [fromHex(v.root), hostTag(fromHex(v.hostPublicKey))]
    const { epoch, timeMs, text } = v
    const sealing = { root, hostTag: tag, epoch, timeMs, nonce: fromHex(v.nonce), text }
    const envelope = fromHex(v.envelope)
    if (v.offer === null) {
      expect(toHex(sealOffer(sealing))).toBe(v.envelope)
      expect(openOffer({ root, hostTag: tag, offer: envelope })).toEqual({ timeMs, text })
    } else {
      const offer = fromHex(v.offer)
      expect(toHex(sealAnswer(sealing, offer))).toBe(v.envelope)
      const opened = openAnswer({ root, hostTag: tag, offer, answer: envelope })
      expect(opened).toEqual({ timeMs, text })
    }
  })

  test.each(list('envelopeRefused', 16))('no envelope: $what', async (v) => {
    const ends = { root: fromHex(v.root), hostTag: hostTag(fromHex(v.hostPublicKey)) }
    const [envelope, offer] = [fromHex(v.envelope), fromHex(v.offer)]
    const open = () =>
      v.kind === 'offer'
        ? openOffer({ ...ends, offer: envelope })
        : openAnswer({ ...ends, offer, answer: envelope })
    expect(await codeOf(open)).toBe(v.code)
  })

  test.each(list('knockRefused', 18))('no knock: $what', async (v) => {
    const open = () =>
      openKnock({
        root: fromHex(v.root),
        hostTag: hostTag(fromHex(v.hostPublicKey)),
        knock: parseKnock(v.ufrag).raw,
        clientUfrag: v.clientUfrag,
        route: routeOf(v.route),
      })
    expect(await codeOf(open)).toBe(v.code)
  })

  test.each(list('stun', 3))('STUN: $what', (v) => {
    const request = parseBindingRequest(Buffer.from(v.request, 'hex'))
    expect(request?.transaction.toString('hex')).toBe(v.transaction)
    expect([request?.hostUfrag, request?.clientUfrag]).toEqual([v.hostUfrag, v.clientUfrag])
    expect(request?.useCandidate).toBe(v.useCandidate)
    expect(request?.verify(v.password)).toBe(true)
    expect(v.answers).toHaveLength(2)
    for (const { answer, ...seen } of v.answers) {
      const transaction = Buffer.from(v.transaction, 'hex')
      expect(encodeBindingSuccess(transaction, seen, v.password).toString('hex')).toBe(answer)
    }
  })

  test('the host’s own writer of requests agrees', () => {
    const v = vectors.stun?.[2]
    const packet = encodeBindingRequest({
      transaction: Buffer.from(v.transaction, 'hex'),
      username: `${v.hostUfrag}:${v.clientUfrag}`,
      password: v.password,
      useCandidate: false,
    })
    expect(packet.toString('hex')).toBe(v.request)
  })

  test.each(list('stunRefused', 20))('no answer: $what', (v) => {
    const request = parseBindingRequest(Buffer.from(v.request, 'hex'))
    expect(request?.verify(v.password) ?? false).toBe(false)
  })
})

describe('handshakes that fail', () => {
  test.each(list('handshakeRefused', 49))('$by, $what', async (v) => {
    const good = vectors.handshake?.[1]
    const agreed = { ...good, ...v.context }
    const bytes = (key: string): Uint8Array => fromHex(agreed[key])
    const side = {
      backend: nobleBackend,
      root: bytes('root'),
      context: {
        mode: modeOf(agreed.mode),
        route: routeOf(agreed.route),
        hostPublicKey: bytes('hostPublicKey'),
        hostFingerprint: bytes('hostFingerprint'),
        clientFingerprint: bytes('clientFingerprint'),
        hint: bytes('hint'),
        bind: bytes('bind'),
      },
    }
    const read = (name: 'm1' | 'm2', change: Change | undefined): Uint8Array => {
      if (v.message !== undefined) return fromHex(v.message)
      return change === undefined ? bytes(name) : changed(bytes(name), change)
    }
    const hostKey = await nobleBackend.dhKey(bytes('hostSecret'))
    const run = async (): Promise<unknown> => {
      if (v.by === 'host') {
        const reply = { ...good.reply, sessionId: fromHex(good.reply.sessionId) }
        const random = scripted(bytes('hostEphemeral'), bytes('kemMessage'))
        return answerHandshake({ ...side, random, hostKey, m1: read('m1', v.change), reply })
      }
      const started = await startHandshake({
        ...side,
        random: scripted(bytes('clientEphemeral'), bytes('kemSeed')),
        deviceKey: await nobleBackend.dhKey(bytes('deviceSecret')),
        hostStatic: hostKey.publicKey,
        timeMs: good.timeMs,
        features: good.features,
      })
      return started.finish(read('m2', v.change))
    }
    expect(await codeOf(run)).toBe(v.code)
  })

  test('hint and bind of the fourth one are those of the first knock', () => {
    const [knock, chain] = [vectors.knock?.[0], vectors.handshake?.[3]]
    expect([chain.root, chain.clientFingerprint]).toEqual([knock.root, knock.clientFingerprint])
    expect([chain.hint, chain.bind]).toEqual([
      knock.knock.slice(0, 16),
      sha256(fromHex(knock.knock)),
    ])
  })
})

describe('record bodies and writes', () => {
  const bodies = list('recordBody', 1)[0]
  test('there are as many as this counts on', () => {
    expect(bodies.cases).toHaveLength(44)
  })

  test.each(bodies.cases as Vector[])('$what: $code', async (v) => {
    const head = record.slice(0, 3620)
    const body = concat(fromHex(v.body), new Uint8Array(2508 - v.body.length / 2))
    const nonce = record.slice(24, 36)
    const aad = fromHex(sha256(head))
    const bytes = concat(head, gcmSeal(fromHex(bodies.contentKey), nonce, aad, body))
    const hostPublicKey = fromHex(vectors.record?.[0].hostPublicKey)
    const open = () => openRecord({ bytes, root: fromHex(bodies.root), hostPublicKey, minSeq: 0 })
    expect(await codeOf(open)).toBe(v.code)
  })

  test.each(list('put', 1))('PUT', async (v) => {
    const body = encodePut(fromHex(v.writeSecret), { ctr: v.ctr, record })
    expect(toHex(body.slice(0, 104))).toBe(v.head)
    expect(toHex(storageId(fromHex(v.writePublicKey)))).toBe(v.storageId)
    const id = fromHex(v.storageId)
    expect(decodePut(id, body)).toEqual({ ctr: v.ctr, record })
    expect(v.refused).toHaveLength(10)
    for (const { what, change, code } of v.refused) {
      expect([what, await codeOf(() => decodePut(id, changed(body, change)))]).toEqual([what, code])
    }
  })
})

describe('frames', () => {
  test.each(list('frameSequence', 1))('a direction from its start', async (v) => {
    const input = { backend: nobleBackend, key: fromHex(v.directionKey), channel: v.channel }
    const sealer = new Sealer({ ...input, nowMs: 0 })
    const opener = new Opener(input)
    expect(v.messages).toHaveLength(23)
    for (const message of v.messages) {
      const data = expand(message.data)
      const sealed = await sealer.seal({ type: message.type, data }, message.atMs)
      expect(sealed.map((frame) => [frame.length, sha256(frame)])).toEqual(
        message.frames.map((frame: Vector) => [frame.length, frame.sha256]),
      )
      for (const [i, frame] of sealed.entries()) {
        const opened = await opener.open(frame)
        expect(opened).toEqual(i + 1 === sealed.length ? { type: message.type, data } : null)
      }
    }
  })

  test.each(list('frameRefused', 18))('the last is refused: $what', async (v) => {
    const directionKey = fromHex(v.directionKey)
    const opener = new Opener({ backend: nobleBackend, key: directionKey, channel: 0 })
    const frames = v.frames.map(
      (frame: { header: string; plaintext: Notation; sha256: string }) => {
        const sealed = sealAny(directionKey, fromHex(frame.header), expand(frame.plaintext))
        expect(sha256(sealed)).toBe(frame.sha256)
        return sealed
      },
    )
    for (const frame of frames.slice(0, -1)) await opener.open(frame)
    expect(await codeOf(() => opener.open(frames.at(-1)))).toBe(v.code)
  })
})

/** Any plaintext under any header, as only an authenticated but hostile peer would send it. */
function sealAny(directionKey: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const reader = new Reader(header.slice(2))
  let key = kdf(directionKey, 'chan', new Writer().u16(reader.u16()).done())
  const generation = reader.u32()
  for (let g = 1; g <= generation; g++) key = kdf(key, 'ratchet', new Writer().u32(g).done())
  const nonce = concat(new Uint8Array(4), reader.rest())
  return concat(header, gcmSeal(key, nonce, header, plaintext))
}

describe('RESUME', () => {
  test.each(list('resume', 12))('$what', (v) => {
    const waiting = v.waiting.map((entry: Vector) => ({ ...entry, id: fromHex(entry.id) }))
    const { kept, acknowledged } = settleOutbox(
      waiting,
      v.assigned,
      v.peer.stored,
      fromHex(v.peer.id),
    )
    const outcome = v.outcome
    expect(kept.map((entry: Vector) => ({ number: entry.number, id: toHex(entry.id) }))).toEqual(
      outcome.kept,
    )
    expect(acknowledged.map(({ number }: Vector) => number)).toEqual(outcome.acknowledged)
    expect(outcome.assigned).toBe(v.peer.stored + kept.length)
  })
})
