// `npm run vectors:make`: the product's own vectors, clawchat-v1.json, from fixed entropy (README.md says what is in it).
// What through-shared.ts makes is checked against tests/reference; all else comes from tests/reference and is checked
// against shared/. A test regenerates the file without a diff.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, toUtf8 } from '../../shared/bytes.ts'
import { fixed } from './fixed.ts'
import { frameRefusedVectors, frameSequenceVectors } from './framing.ts'
import { handshakeRefusedVectors } from './handshakes.ts'
import {
  hostTagVectors,
  inviteRefusedVectors,
  inviteVectors,
  kdfVectors,
  safetyVectors,
} from './links.ts'
import { envelopeRefusedVectors, envelopeVectors, mailboxVectors } from './mailboxes.ts'
import {
  eventRefusedVectors,
  eventVectors,
  fileHashVectors,
  messageRefusedVectors,
  messageVectors,
} from './messages.ts'
import {
  knockHintVectors,
  knockRefusedVectors,
  stunRefusedVectors,
  stunVectors,
} from './packets.ts'
import { putVectors, recordBodyVectors } from './records.ts'
import { resumeVectors } from './resumes.ts'
import {
  contextOf,
  contextOfKnock,
  type Fields,
  frameVector,
  goodHandshake,
  handshakeVector,
  knockVector,
  recordVector,
} from './through-shared.ts'

export const VECTORS_FILE = join(import.meta.dirname, 'clawchat-v1.json')

export async function makeVectors(): Promise<Fields> {
  const knock = [
    knockVector('knock a', 'direct', 'aZ09'),
    knockVector('knock b', 'direct', 'q+/Abc0123456789'),
    knockVector('knock c', 'relay', ''),
    knockVector('knock d', 'signal', ''),
    knockVector('knock e', 'mailbox', 'x'.repeat(256)),
  ]
  const connect = await handshakeVector(
    'connect',
    contextOf('connect', { mode: 'connect', route: 'direct' }),
  )
  const record = recordVector()
  const recordBytes = fromHex(String(record.record))
  const root = fixed('record root 0')
  return {
    about: 'ClawChat protocol version 1: made by npm run vectors:make, numbers as in docs/SPEC.md',
    kdf: kdfVectors(),
    hostTag: hostTagVectors(),
    invite: inviteVectors(),
    inviteRefused: inviteRefusedVectors(),
    handshake: [
      await handshakeVector('enrol', contextOf('enrol', { mode: 'enrol', route: 'direct' })),
      connect,
      await handshakeVector('relay', contextOf('relay', { mode: 'connect', route: 'relay' })),
      await handshakeVector('chain', contextOfKnock(knock[0] ?? {}), fixed('knock a root')),
    ],
    handshakeRefused: handshakeRefusedVectors(goodHandshake(connect)),
    knock,
    knockHint: knockHintVectors(),
    knockRefused: knockRefusedVectors(),
    mailbox: mailboxVectors(),
    envelope: envelopeVectors(),
    envelopeRefused: envelopeRefusedVectors(),
    stun: stunVectors(),
    stunRefused: stunRefusedVectors(),
    record: [record],
    recordBody: [recordBodyVectors(recordBytes, root)],
    put: putVectors(recordBytes),
    frame: [
      frameVector(0, 0, false, new Uint8Array(0)),
      frameVector(0, 1, false, toUtf8('Ludwig von Mises')),
      frameVector(1, 2, false, fixed('57 bytes', 57)),
      frameVector(2, 2 ** 40, true, new Uint8Array(16_344).fill(0x5a)),
    ],
    frameSequence: frameSequenceVectors(),
    frameRefused: frameRefusedVectors(),
    message: messageVectors(recordBytes),
    messageRefused: messageRefusedVectors(),
    event: eventVectors(),
    eventRefused: eventRefusedVectors(),
    fileHash: fileHashVectors(),
    resume: resumeVectors(),
    safety: safetyVectors(),
  }
}

/** The exact text of the file. */
export const formatVectors = (vectors: Fields): string => `${JSON.stringify(vectors, null, 2)}\n`

if (import.meta.main) writeFileSync(VECTORS_FILE, formatVectors(await makeVectors()))
