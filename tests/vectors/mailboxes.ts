// Vectors of SPEC §4.4 and §4.5 by the reference: the hints of a host, its proof, envelopes good and bad.
import { toHex } from '../../shared/bytes.ts'
import * as mailbox from '../reference/mailbox.ts'
import { fixed } from './fixed.ts'

const EPOCH = 472_222

export const mailboxVectors = () =>
  [0, 1, 64].map((count) => {
    const roots = Array.from({ length: count }, (_, i) => fixed(`mailbox root ${i}`))
    const input = {
      writeSecret: fixed('mailbox write secret'),
      origin: 'https://worker.example',
      challenge: fixed('mailbox challenge'),
      timeMs: 1_700_000_000_123,
    }
    const hints = mailbox.signalHints(roots, EPOCH, input.writeSecret)
    return {
      writeSecret: toHex(input.writeSecret),
      roots: roots.map(toHex),
      epoch: EPOCH,
      hints: toHex(hints),
      origin: input.origin,
      challenge: toHex(input.challenge),
      timeMs: input.timeMs,
      proof: toHex(mailbox.proof({ ...input, hints })),
    }
  })

const TIME_MS = 1_700_000_000_123

export const description = [
  'a=ice-ufrag:aZ09',
  'a=ice-pwd:abcdefghijklmnopqrstuv',
  `a=fingerprint:sha-256 ${(toHex(fixed('envelope fingerprint')).match(/../g) ?? []).join(':').toUpperCase()}`,
  'a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host',
  'a=candidate:2 1 udp 1694498815 2001:db8::7 50001 typ srflx raddr 0.0.0.0 rport 9',
  '',
].join('\r\n')

const ends = { root: fixed('envelope root'), hostPublicKey: fixed('envelope host') }
const offering = { ...ends, epoch: EPOCH, nonce: fixed('offer nonce', 12), offer: null }
const offer = mailbox.sealEnvelope(offering, mailbox.envelopePlaintext(TIME_MS, description))
const answering = { ...ends, epoch: EPOCH, nonce: fixed('answer nonce', 12), offer }

/** An offer, its answer, an empty one and the longest. */
export const envelopeVectors = () =>
  [
    { what: 'offer', made: offering, text: description },
    { what: 'answer', made: answering, text: description },
    { what: 'empty offer', made: offering, text: '' },
    { what: 'longest answer', made: answering, text: `${'ö'.repeat(1001)}x` },
  ].map(({ what, made, text }) => ({
    what,
    root: toHex(made.root),
    hostPublicKey: toHex(made.hostPublicKey),
    epoch: made.epoch,
    nonce: toHex(made.nonce),
    timeMs: TIME_MS,
    text,
    offer: made.offer === null ? null : toHex(made.offer),
    envelope: toHex(mailbox.sealEnvelope(made, mailbox.envelopePlaintext(TIME_MS, text))),
  }))

/** Each differs in one thing from a good one; opened as `kind` under `root`, of `hostPublicKey`, beside `offer`. */
export function envelopeRefusedVectors() {
  const answer = mailbox.sealEnvelope(answering, mailbox.envelopePlaintext(TIME_MS, description))
  const other = mailbox.sealEnvelope(
    { ...offering, nonce: fixed('other nonce', 12) },
    mailbox.envelopePlaintext(TIME_MS, description),
  )
  const changed = (edit: (plaintext: Buffer) => void): Buffer => {
    const plaintext = mailbox.envelopePlaintext(TIME_MS, description)
    edit(plaintext)
    return mailbox.sealEnvelope(offering, plaintext)
  }
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(offer)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    return bytes
  }
  const good = { kind: 'offer', envelope: offer, ...ends, offer }
  const cases: [what: string, change: Partial<typeof good>][] = [
    ['empty', { envelope: Buffer.alloc(0) }],
    ['one byte short', { envelope: offer.subarray(1) }],
    ['one byte more', { envelope: Buffer.concat([offer, Buffer.alloc(1)]) }],
    ['hint flipped', { envelope: flipped(0) }],
    ['nonce flipped', { envelope: flipped(8) }],
    ['first byte flipped', { envelope: flipped(20) }],
    ['tag flipped', { envelope: flipped(2047) }],
    ['under another root', { root: fixed('another root') }],
    ['of another host', { hostPublicKey: fixed('another host') }],
    ['an offer as its own answer', { kind: 'answer' }],
    ['an answer as an offer', { envelope: answer }],
    ['the answer to another offer', { kind: 'answer', envelope: answer, offer: other }],
    ['version 2', { envelope: changed((p) => p.writeUInt8(2, 0)) }],
    ['too long a text', { envelope: changed((p) => p.writeUInt16BE(2004, 7)) }],
    ['something behind the text', { envelope: changed((p) => p.writeUInt8(1, 2011)) }],
    ['a text that is no UTF-8', { envelope: changed((p) => p.writeUInt8(0xff, 9)) }],
  ]
  return cases.map(([what, change]) => {
    const { kind, ...bytes } = { ...good, ...change }
    const hex = Object.entries(bytes).map(([name, value]) => [name, toHex(value)])
    return { what, kind, ...Object.fromEntries(hex), code: 'knock-refused' }
  })
}
