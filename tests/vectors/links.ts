// Vectors of SPEC §1, §2 and §8 by the reference: derived keys, invite links, safety codes.
import { toHex, toUtf8 } from '../../shared/bytes.ts'
import * as knocks from '../reference/knock.ts'
import * as links from '../reference/locator.ts'
import * as primitives from '../reference/primitives.ts'
import { safetyCode } from '../reference/safety.ts'
import { fixed } from './fixed.ts'

const hostPublicKey = primitives.ed25519Public(fixed('host identity'))
const HTTPS = {
  type: 1,
  flags: 1,
  data: links.httpsData(fixed('storage id'), 'https://store.example/claw'),
}
const MEGA = { type: 2, flags: 1, data: links.megaData('Ab3_-xyz', fixed('mega key')) }
const STUN = { type: 3, flags: 0, data: links.stunData('stun.example:3478') }
const TURN_SERVERS: readonly (readonly [number, string])[] = [
  [1, 'turn.example:3478'],
  [2, '[2001:db8::3]:3478'],
  [3, 'turn.example:443'],
]
const TURN = {
  ...{ type: 4, flags: 0 },
  data: links.turnData('1700086400', '5Sv3Z0fcPNQ1eJTeqvhYKQzFzCc=', TURN_SERVERS),
}
const UNKNOWN = { type: 200, flags: 7, data: fixed('later', 5) }

export function kdfVectors() {
  const root = fixed('kdf root')
  const labels = ['psk0', 'psk2', 'knock', 'knock hint', 'ice pwd', 'slot', 'slot hint']
  const plain = [...labels, 'signal', 'signal hint'].map((label) => ({ label, context: '' }))
  const all = [
    ...plain,
    { label: 'chan', context: '0000' },
    { label: 'chan', context: '0001' },
    { label: 'ratchet', context: '00000001' },
  ]
  return all.map(({ label, context }) => ({
    root: toHex(root),
    label,
    context,
    key: primitives.kdf(root, label, Buffer.from(context, 'hex')).toString('hex'),
  }))
}

export const hostTagVectors = () => [
  { hostPublicKey: toHex(hostPublicKey), hostTag: toHex(knocks.hostTag(hostPublicKey)) },
]

const invite = {
  version: 1,
  flags: 0,
  hostPublicKey,
  secret: fixed('invite secret'),
  minSeq: 1_700_000_000,
  hostName: toUtf8('Ada Łovelace'),
  locator: links.encodeLocator([HTTPS]),
}
const fragment = (change: Partial<links.ReferenceInvite>): string =>
  links.inviteFragment(links.inviteBody({ ...invite, ...change }))

export function inviteVectors() {
  const cases = [
    { what: 'one https store', hostName: 'Ada Łovelace', minSeq: 1_700_000_000, locator: [HTTPS] },
    { what: 'no name, no store', hostName: '', minSeq: 0, locator: [] },
    {
      what: 'longest name, highest seq, every type of entry, an unknown one among them',
      hostName: 'ß'.repeat(24),
      minSeq: Number.MAX_SAFE_INTEGER,
      locator: [HTTPS, MEGA, STUN, TURN, UNKNOWN],
    },
    {
      what: 'eight entries, the longest URL, plain http with a port',
      hostName: 'h',
      minSeq: 1,
      locator: [
        entryOf(`https://${'a'.repeat(192)}`),
        ...Array.from({ length: 7 }, () => entryOf('http://127.0.0.1:8787')),
      ],
    },
  ]
  return cases.map(({ what, hostName, minSeq, locator }) => ({
    what,
    hostPublicKey: toHex(hostPublicKey),
    secret: toHex(invite.secret),
    minSeq,
    hostName,
    locator: locator.map(({ type, flags, data }) => ({ type, flags, data: toHex(data) })),
    root: links.inviteRoot(hostPublicKey, invite.secret).toString('hex'),
    fragment: fragment({
      hostName: toUtf8(hostName),
      minSeq,
      locator: links.encodeLocator(locator),
    }),
  }))
}

const entryOf = (url: string) => ({
  type: 1,
  flags: 1,
  data: links.httpsData(fixed('storage id'), url),
})
const withUrl = (url: string): string => fragment({ locator: links.encodeLocator([entryOf(url)]) })

export function inviteRefusedVectors() {
  const good = fragment({})
  const body = links.inviteBody(invite)
  const mistyped = `${good.slice(0, 20)}${good[20] === 'A' ? 'B' : 'A'}${good.slice(21)}`
  const turn = (what: string, data: Uint8Array) =>
    [what, fragment({ locator: links.encodeLocator([{ ...TURN, data }]) })] as const
  const word = 'w'.repeat(129)
  const cases: readonly (readonly [what: string, fragment: string, code?: string])[] = [
    ['empty', ''],
    ['four bytes, all of them a check', 'AAAAAA'],
    ['a character mistyped', mistyped],
    ['a character missing at the end', good.slice(0, -1)],
    ['padded', `${good}==`],
    ['in the alphabet of base64, not of base64url', `+${good.slice(1)}`],
    ['more than 4096 characters', 'A'.repeat(4100)],
    ['version 0', fragment({ version: 0 }), 'invite-version'],
    ['version 2', fragment({ version: 2 }), 'invite-version'],
    ['flags 1', fragment({ flags: 1 }), 'invite-version'],
    ['minSeq of 2^53', fragment({ minSeq: 2n ** 53n })],
    ['a name of 49 bytes', fragment({ hostName: toUtf8('n'.repeat(49)) })],
    ['a name that is not UTF-8', fragment({ hostName: Uint8Array.of(0xc0, 0x80) })],
    ['a lone surrogate in the name', fragment({ hostName: Uint8Array.of(0xed, 0xa0, 0x80) })],
    ['cut within the locator', links.inviteFragment(body.subarray(0, -1))],
    ['a byte behind the locator', links.inviteFragment(Buffer.concat([body, Buffer.from([0])]))],
    ['nine entries', fragment({ locator: links.encodeLocator(Array(9).fill(UNKNOWN)) })],
    ['a URL of 201 bytes', withUrl(`https://${'a'.repeat(193)}`)],
    ['no URL', withUrl('')],
    ['a URL with a trailing slash', withUrl('https://store.example/')],
    ['a URL with a query', withUrl('https://store.example/a?b')],
    ['a URL with a fragment', withUrl('https://store.example/a#b')],
    ['a URL with a space', withUrl('https://store.example/a b')],
    ['a URL of another scheme', withUrl('ftp://store.example')],
    ['a scheme in capitals', withUrl('HTTPS://store.example')],
    [
      'an https entry shorter than its id',
      fragment({ locator: links.encodeLocator([{ ...HTTPS, data: fixed('short', 31) }]) }),
    ],
    [
      'a mega entry of 39 bytes',
      fragment({ locator: links.encodeLocator([{ ...MEGA, data: MEGA.data.subarray(1) }]) }),
    ],
    [
      'a mega handle outside its alphabet',
      fragment({
        locator: links.encodeLocator([
          { ...MEGA, data: links.megaData('Ab3_-xy!', fixed('mega key')) },
        ]),
      }),
    ],
    ...[
      'stun.example',
      'stun.example:0',
      'stun.example:65536',
      'stun:a:1',
      '[::1:1',
      'A.example:1',
      '',
    ].map(
      (server) =>
        [
          `a STUN server ${JSON.stringify(server)}`,
          fragment({ locator: links.encodeLocator([{ ...STUN, data: links.stunData(server) }]) }),
        ] as const,
    ),
    turn('a TURN entry without a server', links.turnData('u', 'p', [])),
    turn(
      'a TURN entry of five servers',
      links.turnData('u', 'p', Array(5).fill([1, 'turn.example:1'])),
    ),
    turn('a TURN server of transport 0', links.turnData('u', 'p', [[0, 'turn.example:1']])),
    turn('a TURN server of transport 4', links.turnData('u', 'p', [[4, 'turn.example:1']])),
    turn('a TURN server without a port', links.turnData('u', 'p', [[1, 'turn.example']])),
    turn('no user name for TURN', links.turnData('', 'p', TURN_SERVERS)),
    turn('a space in the user name for TURN', links.turnData('u u', 'p', TURN_SERVERS)),
    turn('a user name for TURN of 129 bytes', links.turnData(word, 'p', TURN_SERVERS)),
    turn('no password for TURN', links.turnData('u', '', TURN_SERVERS)),
    turn('a password for TURN that is not ASCII', links.turnData('u', 'ä', TURN_SERVERS)),
    turn('a password for TURN of 129 bytes', links.turnData('u', word, TURN_SERVERS)),
    turn('a TURN entry cut short', TURN.data.subarray(0, -1)),
    turn('a byte behind a TURN entry', Buffer.concat([TURN.data, Buffer.from([0])])),
  ]
  return cases.map(([what, text, code = 'invite-malformed']) => ({ what, fragment: text, code }))
}

export function safetyVectors() {
  return ['device a', 'device b'].map((label) => {
    const devicePublicKey = primitives.x25519Public(fixed(label))
    return {
      hostPublicKey: toHex(hostPublicKey),
      devicePublicKey: toHex(devicePublicKey),
      code: safetyCode(hostPublicKey, devicePublicKey).join(' '),
    }
  })
}
