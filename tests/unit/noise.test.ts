// The Noise core (SPEC §5) beyond its vectors: names, turns, death, nonces, aliasing.
import { describe, expect, test } from 'vitest'
import { concat, fromHex, toUtf8 } from '../../shared/bytes.ts'
import type { DhKey } from '../../shared/crypto.ts'
import { ClawError } from '../../shared/error.ts'
import { gcmOpen, nobleBackend } from '../../shared/noble.ts'
import { CipherState, NoiseHandshake, parseProtocol } from '../../shared/noise.ts'
import { fixed, stream } from '../vectors/fixed.ts'

const failed = new ClawError('handshake-failed')
const key = (label: string): DhKey => nobleBackend.dhKey(fixed(label)) as DhKey
const none = new Uint8Array(0)
const hello = toUtf8('hello')

function pair(name: string, changes: { readonly psk?: Uint8Array } = {}) {
  const protocol = parseProtocol(name)
  const [device, host] = [key('noise device'), key('noise host')]
  const psks = Array.from({ length: protocol.pskCount }, (_, i) => fixed(`psk ${i}`))
  const common = { backend: nobleBackend, protocol, prologue: toUtf8('prologue') }
  const initiator = new NoiseHandshake({
    ...common,
    random: stream('noise initiator'),
    initiator: true,
    staticKey: device,
    remoteStatic: host.publicKey,
    psks: changes.psk ? [changes.psk, ...psks.slice(1)] : psks,
  })
  const responder = new NoiseHandshake({
    ...common,
    random: stream('noise responder'),
    initiator: false,
    staticKey: host,
    psks: psks.map((psk) => psk.slice()),
  })
  return { initiator, responder, device, psks }
}

const OURS = 'Noise_IKhfs+psk0+psk2_25519+MLKEM768_AESGCM_SHA256'

describe('protocol names', () => {
  test('the product pattern is the one that SPEC §5 writes out', () => {
    expect(parseProtocol(OURS)).toMatchObject({
      known: 'r',
      pskCount: 2,
      oneWay: false,
      messages: [
        ['psk', 'e', 'es', 'e1', 's', 'ss'],
        ['e', 'ee', 'ekem1', 'se', 'psk'],
      ],
    })
  })

  test('without a DH right after it, e1 follows e', () => {
    expect(parseProtocol('Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256').messages).toEqual([
      ['e', 'e1'],
      ['e', 'ee', 'ekem1', 's', 'es'],
      ['s', 'se'],
    ])
  })

  test.each([
    'Noise_IK_25519_ChaChaPoly_SHA256',
    'Noise_IK_448_AESGCM_SHA256',
    'Noise_IK_25519_AESGCM_SHA512',
    'Noise_QQ_25519_AESGCM_SHA256',
    'Noise_XXfallback_25519_AESGCM_SHA256',
    'Noise_IKhfs_25519_AESGCM_SHA256',
    'Noise_IK_25519+MLKEM768_AESGCM_SHA256',
    'Noise_Nhfs_25519+MLKEM768_AESGCM_SHA256',
    'Noise_IKpsk3_25519_AESGCM_SHA256',
    'Noise_IKpsk0+psk0_25519_AESGCM_SHA256',
    'Noise_IKpsk0psk2_25519_AESGCM_SHA256',
    'Noise_toString_25519_AESGCM_SHA256',
    '',
  ])('%j is refused', (name) => {
    expect(() => parseProtocol(name)).toThrow(new ClawError('malformed'))
  })
})

describe('a handshake', () => {
  test('gives both sides the same keys and the responder the static key of the other', async () => {
    const { initiator, responder, device } = pair(OURS)
    expect(await responder.read(await initiator.write(hello))).toEqual(hello)
    expect(responder.remoteStatic).toEqual(device.publicKey)
    expect(await initiator.read(await responder.write(none))).toEqual(none)
    expect([initiator.finished, responder.finished]).toEqual([true, true])
    const keys = initiator.split()
    expect(responder.split()).toEqual(keys)
    expect(keys.first).not.toEqual(keys.second)
  })

  test('is spent after the split', async () => {
    const { initiator, responder } = pair('Noise_N_25519_AESGCM_SHA256')
    await responder.read(await initiator.write(none))
    initiator.split()
    expect(() => initiator.split()).toThrow(failed)
    await expect(initiator.write(none)).rejects.toThrow(failed)
  })

  test('a failed read kills the object, also for the right message', async () => {
    const { initiator, responder } = pair(OURS)
    const message = await initiator.write(none)
    const bad = message.slice()
    bad[40] = (bad[40] ?? 0) ^ 1
    await expect(responder.read(bad)).rejects.toThrow(failed)
    await expect(responder.read(message)).rejects.toThrow(failed)
    expect(responder.finished).toBe(false)
  })

  test('that holds also where the failed read had not changed anything yet', async () => {
    const { responder } = pair('Noise_NK_25519_AESGCM_SHA256')
    const fresh = pair('Noise_NK_25519_AESGCM_SHA256')
    const message = await fresh.initiator.write(none)
    await expect(responder.read(message.slice(0, 31))).rejects.toThrow(failed)
    await expect(responder.read(message)).rejects.toThrow(failed)
    expect(await fresh.responder.read(message)).toEqual(none)
  })

  test.each([0, 31, 32, 47])('a message cut to %i bytes is refused', async (length) => {
    const { initiator, responder } = pair('Noise_IK_25519_AESGCM_SHA256')
    const message = await initiator.write(none)
    await expect(responder.read(message.slice(0, length))).rejects.toThrow(failed)
  })

  test.each([
    ['reads first', (p: ReturnType<typeof pair>) => p.initiator.read(new Uint8Array(200))],
    ['responder writes first', (p: ReturnType<typeof pair>) => p.responder.write(none)],
    ['splits early', async (p: ReturnType<typeof pair>) => p.initiator.split()],
  ])('out of turn (%s) is final', async (_, act) => {
    const peers = pair(OURS)
    await expect(act(peers)).rejects.toThrow(failed)
    const survivors = await Promise.allSettled([
      peers.initiator.write(none).then((message) => peers.responder.read(message)),
    ])
    expect(survivors[0]?.status).toBe('rejected')
  })

  test('two calls at once: neither gives anything', async () => {
    const { initiator } = pair(OURS)
    const both = await Promise.allSettled([initiator.write(none), initiator.write(none)])
    expect(both.map((r) => r.status)).toEqual(['rejected', 'rejected'])
  })

  test('another psk fails at the first tag', async () => {
    const { initiator, responder } = pair(OURS, { psk: fixed('wrong') })
    await expect(initiator.write(none).then((m) => responder.read(m))).rejects.toThrow(failed)
  })

  test.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
  ])('a low-order ephemeral key (%s) is refused', async (_, point) => {
    const { responder } = pair('Noise_NK_25519_AESGCM_SHA256')
    await expect(responder.read(concat(fromHex(point), new Uint8Array(16)))).rejects.toThrow(failed)
  })

  test('missing keys are a bug of the caller', () => {
    const protocol = parseProtocol(OURS)
    const options = { backend: nobleBackend, random: stream('x'), protocol, prologue: none }
    expect(() => new NoiseHandshake({ ...options, initiator: true })).toThrow(/^bug: psks/)
    expect(
      () => new NoiseHandshake({ ...options, initiator: true, psks: [fixed('a'), fixed('b')] }),
    ).toThrow(/^bug: .*static/)
  })

  test('holds copies: later writes to what was passed in change nothing', async () => {
    const { initiator, responder, psks } = pair(OURS)
    for (const psk of psks) psk.fill(0)
    const payload = hello.slice()
    const writing = initiator.write(payload)
    payload.fill(0)
    const message = await writing
    const reading = responder.read(message)
    message.fill(0)
    expect(await reading).toEqual(hello)
    responder.remoteStatic?.fill(0)
    expect(await initiator.read(await responder.write(none))).toEqual(none)
  })
})

describe('cipher state', () => {
  const secret = fixed('cipher key')
  const nonce = (n: number) => fromHex(n.toString(16).padStart(24, '0'))

  test('counts in big-endian, one nonce per message', async () => {
    const cipher = await CipherState.create(nobleBackend, secret)
    const sealed = await Promise.all(Array.from({ length: 258 }, () => cipher.seal(none, hello)))
    for (const n of [0, 1, 255, 256, 257]) {
      expect(gcmOpen(secret, nonce(n), none, sealed[n] ?? none)).toEqual(hello)
    }
  })

  test('a failed tag does not advance the counter', async () => {
    const [sealer, opener] = [
      await CipherState.create(nobleBackend, secret),
      await CipherState.create(nobleBackend, secret),
    ]
    const [first, second] = [await sealer.seal(none, hello), await sealer.seal(none, hello)]
    await expect(opener.open(none, second)).rejects.toThrow(new ClawError('crypto'))
    await expect(opener.open(hello, first)).rejects.toThrow(new ClawError('crypto'))
    expect(await opener.open(none, first)).toEqual(hello)
    expect(await opener.open(none, second)).toEqual(hello)
  })
})
